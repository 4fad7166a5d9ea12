"""Every binary that the installer runs or puts into an image: found, or made once and kept in the cache."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from infra.toolchain import debian, golang
from infra.toolchain.cache import Cache
from infra.toolchain.errors import ToolchainError, unknown
from infra.toolchain.making import Making, Teller
from infra.toolchain.model import Finding, Report, Tool
from infra.toolchain.processes import Children
from infra.toolchain.resolve import Found, Resolver
from infra.toolchain.versions import BY_NAME, DebianTool, GoTool, Spec, wanted


class Toolchain:
    """Tools by name, in the order PATH (version checked) → cache → build or unpack."""

    def __init__(self, cache_root: Path, search: str | None = None, modules: Path = golang.MODULES) -> None:
        self._cache = Cache(cache_root)
        self._search = os.environ.get("PATH", os.defpath) if search is None else search
        self._modules = modules

    def ensure(self, names: Iterable[str], report: Report | None = None) -> dict[str, Tool]:
        """All the tools asked for, made where they are missing. Raises ToolchainError; what was finished is kept.

        May run beside itself in other processes: one makes, the others wait and then find what it made. With
        nothing to make it only looks at files.
        """
        specs = specified(names)
        children = Children()
        resolver = Resolver(self._cache, self._search, children, self._modules)
        told = Teller(report)
        tools: dict[str, Tool] = {}

        def find(wanted_specs: Iterable[Spec]) -> list[Spec]:
            missing = []
            for spec in wanted_specs:
                tool = resolver.find(spec).tool
                if tool is None:
                    missing.append(spec)
                else:
                    tools[spec.name] = tool
                    told.tell(spec, "done", tool.version, tool.origin)
            return missing

        missing = find(specs)
        if missing:
            for spec in missing:
                told.tell(spec, "waiting")
            with self._cache.locked(lambda: told.tell(missing[0], "waiting", "another process is making tools")):
                # Whoever held the lock may have made them.
                missing = find(missing)
                if missing:
                    making = Making(
                        cache=self._cache,
                        resolver=resolver,
                        children=children,
                        told=told,
                        search=self._search,
                        modules=self._modules,
                    )
                    tools.update(making.all(missing))
        self._cache.trim()
        return {spec.name: tools[spec.name] for spec in specs}

    def inspect(self, names: Iterable[str]) -> list[Finding]:
        """What `ensure` would do, tool by tool. Makes nothing; runs only files on PATH that were never asked before."""
        children = Children()
        resolver = Resolver(self._cache, self._search, children, self._modules)
        found = [(spec, resolver.find(spec)) for spec in specified(names)]
        absent = {spec.kind for spec, result in found if result.tool is None}
        refused: dict[str, ToolchainError] = {}
        if "go module" in absent:
            try:
                golang.find(children, self._search)
            except ToolchainError as error:
                refused["go module"] = error
        if "debian" in absent:
            try:
                debian.clients(self._search)
            except ToolchainError as error:
                refused["debian"] = error
        return [finding(spec, result, refused.get(spec.kind)) for spec, result in found]


def specified(names: Iterable[str]) -> list[Spec]:
    """The entries of the version list, each once, in the list's order: cheap ones before those they share code with.

    Raises UnknownTool.
    """
    asked = list(names)
    for name in asked:
        if name not in BY_NAME:
            raise unknown(name, tuple(BY_NAME))
    return [spec for name, spec in BY_NAME.items() if name in asked]


def finding(spec: Spec, found: Found, refused: ToolchainError | None) -> Finding:
    """What to say of a tool. `refused` is why its kind can't be made here, None where it can. Pure."""
    passed = f"{found.passed_over}, wanted is {wanted(spec)}" if found.passed_over else ""
    if found.tool is not None:
        where = f"{found.tool.version} at {found.tool.path}"
        words = f"{where} ({passed})" if passed else where
        return Finding(spec.name, wanted(spec), words, "use", True, licence=spec.licence)
    if isinstance(spec, GoTool | DebianTool):
        words = passed or "not there yet"
        if refused is not None:
            return Finding(spec.name, wanted(spec), words, "none", False, 0.0, spec.licence, str(refused))
        action: Literal["build", "extract"] = "build" if isinstance(spec, GoTool) else "extract"
        return Finding(spec.name, wanted(spec), words, action, True, spec.seconds, spec.licence)
    return Finding(
        spec.name,
        wanted(spec),
        passed or "not there",
        "none",
        False,
        0.0,
        spec.licence,
        "Run make up, which installs the locked wheels.",
    )
