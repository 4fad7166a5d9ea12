"""Where a tool is found without making it: PATH (version checked), then the cache, or the virtual environment."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from infra.toolchain import debian, elf, golang, versions
from infra.toolchain.cache import Cache, Receipt
from infra.toolchain.model import Tool
from infra.toolchain.processes import Children
from infra.toolchain.versions import DebianTool, GoTool, Spec, VenvTool

ASK_SECONDS = 10


@dataclass(frozen=True)
class Found:
    """A tool, or why what was looked at will not do."""

    tool: Tool | None
    passed_over: str = ""
    """In words: `kubectl 1.30.1 at /usr/bin/kubectl`. Empty where nothing of that name was met."""


class Resolver:
    """Looks in PATH, then in the cache. Runs a file on PATH only when it was not asked before."""

    def __init__(self, cache: Cache, search: str, children: Children, modules: Path = golang.MODULES) -> None:
        self._cache, self._children, self._modules = cache, children, modules
        self._search = ":".join(folder for folder in search.split(":") if folder.startswith("/"))
        self._release: str | None = None

    def find(self, spec: Spec) -> Found:
        """The tool, if it needs no making."""
        if isinstance(spec, VenvTool):
            return _in_venv(spec)
        on_path = self._on_path(spec)
        if on_path.tool is not None:
            return on_path
        receipt = self._receipt(spec)
        return Found(None if receipt is None else self.cached(receipt), on_path.passed_over)

    def key(self, spec: GoTool | DebianTool) -> str:
        """What the tool's receipt must say to be valid."""
        if isinstance(spec, GoTool):
            return golang.key(spec, self._modules)
        if self._release is None:
            self._release = debian.machine_release()
        return debian.key(spec, self._release)

    def cached(self, receipt: Receipt) -> Tool:
        """The tool that a receipt describes."""
        folder = self._cache.folder(receipt.name, receipt.version)
        env = {name: ":".join(str(folder / part) for part in parts) for name, parts in receipt.env.items()}
        return Tool(receipt.name, receipt.version, folder / receipt.executable, "cache", env)

    def _receipt(self, spec: GoTool | DebianTool) -> Receipt | None:
        if isinstance(spec, GoTool):
            return self._cache.receipt(spec.name, spec.version, self.key(spec))
        return self._cache.newest(spec.name, self.key(spec))

    def _on_path(self, spec: GoTool | DebianTool) -> Found:
        if not spec.ask or (isinstance(spec, GoTool) and not spec.on_path):
            return Found(None)
        name = spec.executable if isinstance(spec, DebianTool) else spec.name
        where = shutil.which(name, path=self._search) if self._search else None
        if where is None:
            return Found(None)
        path = Path(where)
        version = self._version(spec, path)
        if version is None:
            return Found(None, f"{path} does not say its version")
        if not versions.satisfies(spec, version):
            return Found(None, f"{path} is {version}")
        if isinstance(spec, GoTool) and not elf.is_static(path):
            return Found(None, f"{path} is {version}, but not linked statically, so no image could hold it")
        return Found(Tool(spec.name, version, path, "path"))

    def _version(self, spec: GoTool | DebianTool, path: Path) -> str | None:
        seen = self._cache.seen(spec.name, path)
        if seen is not None:
            return seen.version
        env = {**os.environ, "LC_ALL": "C", "PULUMI_SKIP_UPDATE_CHECK": "true"}
        try:
            asked = self._children.run([str(path), *spec.ask], env=env, timeout=ASK_SECONDS)
        except (OSError, TimeoutError):
            return None
        version = versions.version_in(asked.said, str(path)) if asked.code == 0 else None
        self._cache.remember(spec.name, path, version)
        return version


def _in_venv(spec: VenvTool) -> Found:
    path = Path(sys.prefix) / "bin" / spec.name
    try:
        version = importlib.metadata.version(spec.distribution)
    except importlib.metadata.PackageNotFoundError:
        return Found(None, f"wheel {spec.distribution} is not installed in {sys.prefix}")
    if not path.is_file():
        return Found(None, f"{path} is missing")
    return Found(Tool(spec.name, version, path, "path"))
