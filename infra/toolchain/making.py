"""One run that makes missing tools: sources are fetched and packages unpacked while Go tools compile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ParamSpec, TypeVar

from infra.toolchain import debian, golang
from infra.toolchain.cache import Cache, Receipt
from infra.toolchain.errors import BuildFailed, DiskFull, ToolchainError
from infra.toolchain.model import Origin, Progress, Report, State, Tool
from infra.toolchain.processes import Cancelled, Children
from infra.toolchain.resolve import Resolver
from infra.toolchain.versions import DebianTool, GoTool, Spec

FETCHES = 3
"""Modules whose sources are fetched beside each other while tools compile."""
BUILDS = 2
"""Modules that are compiled beside each other: linking and large packages leave processors idle. Tools of one module
share most of their packages and follow each other, since Go compiles a package twice where two builds want it."""

P = ParamSpec("P")
R = TypeVar("R")

_WORK: tuple[State, ...] = ("fetching", "building", "extracting")


class Teller:
    """Passes progress on, one call at a time, with the seconds since a tool's present work began."""

    def __init__(self, report: Report | None) -> None:
        self._report = report
        self._lock = threading.Lock()
        self._began: dict[str, float] = {}

    def tell(self, spec: Spec, state: State, detail: str = "", origin: Origin | None = None) -> None:
        """A state with work in it starts the tool's clock anew."""
        with self._lock:
            now = time.monotonic()
            if state in _WORK:
                self._began[spec.name] = now
            seconds = now - self._began.get(spec.name, now)
            if self._report is not None:
                self._report(Progress(spec.name, state, detail, seconds, spec.seconds, origin))


@dataclass(frozen=True, kw_only=True)
class Making:
    """Makes tools; to be used under the cache's lock. `search` is the PATH where the clients are looked for."""

    cache: Cache
    resolver: Resolver
    children: Children
    told: Teller
    search: str
    modules: Path

    def all(self, specs: Sequence[Spec]) -> dict[str, Tool]:
        """Makes every tool. A failure ends what is being made, and is raised; finished tools stay."""
        to_build = [spec for spec in specs if isinstance(spec, GoTool)]
        to_unpack = [spec for spec in specs if isinstance(spec, DebianTool)]
        for spec in specs:
            if not isinstance(spec, GoTool | DebianTool):
                raise BuildFailed(
                    f"{spec.name}: {self.resolver.find(spec).passed_over}.",
                    "Run make up, which installs the locked wheels.",
                )
        # Clients that are missing are told before minutes of work, not after.
        builder = self._builder() if to_build else None
        if to_unpack:
            debian.clients(self.search)
        pool = ThreadPoolExecutor(FETCHES + 1, thread_name_prefix="toolchain")
        tools: dict[str, Tool] = {}
        try:
            unpacked = pool.submit(self._unpack_all, to_unpack)
            if builder is not None:
                tools.update(self._build_all(builder, to_build, pool, unpacked))
            tools.update(unpacked.result())
        finally:
            self.children.close()
            pool.shutdown(wait=True, cancel_futures=True)
        return tools

    def _builder(self) -> golang.Builder:
        go = golang.find(self.children, self.search)
        return golang.Builder(go, self.children, self.cache.go_build, self.modules)

    def _build_all(
        self,
        builder: golang.Builder,
        specs: Sequence[GoTool],
        pool: ThreadPoolExecutor,
        beside: Future[dict[str, Tool]],
    ) -> dict[str, Tool]:
        modules: dict[str, list[GoTool]] = {}
        for spec in specs:
            modules.setdefault(spec.module, []).append(spec)
        fetched = {module: pool.submit(self._fetch, builder, members) for module, members in modules.items()}

        def build(members: Sequence[GoTool]) -> dict[str, Tool]:
            fetched[members[0].module].result()
            return {spec.name: self._made(spec, self._build, builder, spec) for spec in members}

        tools: dict[str, Tool] = {}
        with ThreadPoolExecutor(BUILDS, thread_name_prefix="toolchain-build") as builds:
            try:
                built = [builds.submit(build, members) for members in modules.values()]
                for done in as_completed([*built, beside]):
                    tools.update(done.result())
            except BaseException:
                self.children.close()
                builds.shutdown(wait=False, cancel_futures=True)
                raise
        return tools

    def _fetch(self, builder: golang.Builder, members: Sequence[GoTool]) -> None:
        first = members[0]
        self.told.tell(first, "fetching", f"sources of module {first.module}")
        self._made(first, builder.fetch, first.module, tuple(spec.package for spec in members))

    def _build(self, builder: golang.Builder, spec: GoTool) -> Tool:
        self.told.tell(spec, "building", spec.version)
        with self.cache.staging() as folder:
            made = folder / "made"
            made.mkdir()
            seconds = builder.build(spec, made)
            size = (made / spec.name).stat().st_size
            receipt = Receipt(spec.name, spec.version, self.resolver.key(spec), spec.name, size, round(seconds, 1))
            return self._publish(spec, made, receipt, "built")

    def _unpack_all(self, specs: Sequence[DebianTool]) -> dict[str, Tool]:
        tools: dict[str, Tool] = {}
        if not specs:
            return tools
        with self.cache.staging() as scratch:
            extractor = debian.Extractor(self.children, self.search, scratch)
            for spec in specs:
                tools[spec.name] = self._made(spec, self._unpack, extractor, spec)
        return tools

    def _unpack(self, extractor: debian.Extractor, spec: DebianTool) -> Tool:
        self.told.tell(spec, "extracting", f"Debian package {spec.package}")
        with self.cache.staging() as folder:
            made = folder / "made"
            made.mkdir()
            unpacked = extractor.extract(spec, made)
            receipt = Receipt(
                spec.name,
                unpacked.version,
                self.resolver.key(spec),
                unpacked.executable,
                (made / unpacked.executable).stat().st_size,
                round(unpacked.seconds, 1),
                unpacked.env,
                unpacked.packages,
            )
            return self._publish(spec, made, receipt, "extracted")

    def _publish(self, spec: Spec, made: Path, receipt: Receipt, origin: Origin) -> Tool:
        self.cache.publish(made, receipt)
        tool = replace(self.resolver.cached(receipt), origin=origin)
        self.told.tell(spec, "done", tool.version, origin)
        return tool

    def _made(self, spec: Spec, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The work's result. A failure is told once; what another failure ended is not told."""
        try:
            return work(*args, **kwargs)
        except Cancelled:
            raise
        except ToolchainError as error:
            self.told.tell(spec, "failed", str(error))
            raise
        except OSError as cause:
            full = DiskFull(
                f"{spec.name}: the cache can't be written: {cause} ({golang.free_space(self.cache.root)} free).",
                "Free some space or set MLP_CACHE to a folder of yours on another disk, then run again.",
            )
            self.told.tell(spec, "failed", str(full))
            raise full from cause
