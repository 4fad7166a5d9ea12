"""Go tools: is there a compiler, what a build is made of, and how it is run."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.toolchain import versions
from infra.toolchain.errors import GoMissing, GoTooOld, NotPinned, ToolchainError, translate, wrong_version
from infra.toolchain.processes import Children
from infra.toolchain.versions import GoTool

MODULES = Path(__file__).parent / "go"
OVERLAY = "_overlay"
"""Folder beside a go.mod with files of our own, at their paths in the module that `GoTool.overlay` names. Go itself
looks into no folder whose name begins so."""
COMPLETED = "completed"
"""Folder beside the copied go.mod of one build, with the module and our files."""

MINIMUM = "1.26.5"
"""What the pinned modules ask for in their own go.mod files."""
SELF_UPDATING = (1, 21)
"""Since this release Go fetches a newer one by itself where a module wants it, unless GOTOOLCHAIN forbids."""

LINK_FLAGS = ("-s", "-w")
BUILD_FLAGS = ("-mod=readonly", "-trimpath", "-buildvcs=false", "-gcflags=all=-dwarf=false")
"""No debug information either: the linker leaves it out, and making it costs a tenth of the processor time."""

ASK_SECONDS = 30


@dataclass(frozen=True)
class Go:
    """The compiler of the machine."""

    path: Path
    version: str
    toolchain: str
    """GOTOOLCHAIN: `local` forbids Go to fetch a newer release of itself."""


def find(children: Children, search: str) -> Go:
    """The compiler on the given PATH. Raises GoMissing, GoTooOld."""
    path = shutil.which("go", path=search)
    if path is None:
        raise missing()
    try:
        # Outside any module, so that no go.mod makes it fetch another release of itself just to answer.
        asked = children.run(
            [path, "env", "GOVERSION", "GOTOOLCHAIN"],
            env={**os.environ, "GOWORK": "off"},
            cwd=Path("/"),
            timeout=ASK_SECONDS,
        )
    except (OSError, TimeoutError) as cause:
        raise missing(f"{path} could not be run: {cause}.") from cause
    lines = asked.out.splitlines()
    if asked.code != 0 or not lines:
        raise missing(f"{path} failed and said: {asked.said[:300]}.")
    go = Go(Path(path), lines[0].removeprefix("go"), lines[1] if len(lines) > 1 else "local")
    check(go)
    return go


def module_cache(children: Children, search: str) -> Path | None:
    """Where this machine's Go keeps fetched sources, or None where there is no Go to ask."""
    path = shutil.which("go", path=search)
    if path is None:
        return None
    try:
        asked = children.run([path, "env", "GOMODCACHE"], cwd=Path("/"), timeout=ASK_SECONDS)
    except (OSError, TimeoutError):
        return None
    return Path(asked.out.strip()) if asked.code == 0 and asked.out.startswith("/") else None


def check(go: Go) -> None:
    """Raises GoTooOld where this compiler neither is new enough nor may fetch one that is."""
    found = versions.numbers(go.version)
    if found >= versions.numbers(MINIMUM):
        return
    if found >= SELF_UPDATING and go.toolchain.split("+")[0] != "local":
        return
    raise GoTooOld(
        f"Go {go.version} at {go.path} can't build the tools: they need {MINIMUM} or newer.",
        f"Install Go {MINIMUM} or newer and put it first on PATH"
        + (", or unset GOTOOLCHAIN so that Go fetches it." if found >= SELF_UPDATING else "."),
    )


def missing(detail: str = "There is no Go on PATH.") -> GoMissing:
    """A GoMissing with its remedy."""
    return GoMissing(
        f"{detail} The tools are built from their Go modules with Go {MINIMUM} or newer.",
        "Install Go and put its bin folder on PATH, then run again.",
    )


def environment(environ: Mapping[str, str], go_build: Path) -> dict[str, str]:
    """The environment of a build: the person's proxies and module cache, our flags and build cache."""
    return {
        **environ,
        "CGO_ENABLED": "0",
        "GOFLAGS": " ".join(BUILD_FLAGS),
        "GOWORK": "off",
        "GOCACHE": str(go_build),
    }


def link_flags(spec: GoTool) -> str:
    """The linker's flags: no symbol tables, and the version."""
    return " ".join([*LINK_FLAGS, *(f"-X {define}" for define in spec.defines)])


def key(spec: GoTool, modules: Path = MODULES) -> str:
    """Digest of all inputs that we choose: pinned modules, own source, package and flags. Not the compiler."""
    digest = hashlib.sha256()
    for file in sorted(
        path for path in (modules / spec.module).iterdir() if path.name.endswith((".mod", ".sum", ".go"))
    ):
        digest.update(f"{file.name}\0".encode() + file.read_bytes())
    for place, file in overlay_files(spec, modules).items():
        digest.update(f"{spec.overlay}/{place}\0".encode() + file.read_bytes())
    digest.update("\0".join([spec.package, link_flags(spec), *BUILD_FLAGS]).encode())
    return digest.hexdigest()


def built_from(said: str, package: str) -> str | None:
    """The version, without its v, of the module that holds `package`, in what `go version -m` says of a binary."""
    modules = dict(re.findall(r"^\t(?:mod|dep)\t(\S+)\t(v\S+)", said, re.M))
    holders = [module for module in modules if f"{package}/".startswith(f"{module}/")]
    return modules[max(holders, key=len)].removeprefix("v") if holders else None


def overlay_files(spec: GoTool, modules: Path = MODULES) -> dict[str, Path]:
    """Path in the module that the tool's overlay names → our file for it, sorted; empty where it names none."""
    if not spec.overlay:
        return {}
    folder = modules / spec.module / OVERLAY
    return {str(file.relative_to(folder)): file for file in sorted(folder.rglob("*")) if file.is_file()}


def pinned_version(folder: Path, module: str) -> str:
    """The version (`v1.2.3`) at which a folder's go.mod requires a module and its go.sum knows it. Raises NotPinned.

    Asked before Go is: `go mod download` adds a missing line to go.sum, even where it may only read.
    """
    try:
        required = (folder / "go.mod").read_text()
        known = (folder / "go.sum").read_text().splitlines()
    except OSError as cause:
        raise NotPinned(f"{folder.name} pins no module: {cause}.", _PIN) from cause
    found = re.search(rf"^(?:require )?\s*{re.escape(module)} (v\S+)", required, re.M)
    if not found:
        raise NotPinned(f"{folder.name}/go.mod does not require {module}.", _PIN)
    if not any(line.startswith(f"{module} {found.group(1)} h1:") for line in known):
        raise NotPinned(f"{folder.name}/go.sum has no checksum of {module} {found.group(1)}.", _PIN)
    return found.group(1)


_PIN = "Name a folder below infra/toolchain/go that pins the module, and run go mod tidy there after a change."


class Builder:
    """Builds Go tools."""

    def __init__(self, go: Go, children: Children, go_build: Path, modules: Path = MODULES) -> None:
        self._go, self._children, self._modules = go, children, modules
        self._go_build = go_build
        self._env = environment(os.environ, go_build)

    def fetch(self, module: str, packages: tuple[str, ...]) -> None:
        """Brings the sources that the packages need into the module cache; quick where they are there."""
        self._run(module, self._modules / module, ["list", "-deps", "-f", "", *packages], f"go list in {module}")

    def download(self, name: str, folder: str, module: str) -> Path:
        """The folder of one module's files, fetched where missing, at the version that `folder` pins.

        Needs nothing of the module's own requirements. `name` is what errors speak of. Raises ToolchainError.
        """
        pinned_version(self._modules / folder, module)
        arguments = ["mod", "download", "-json", module]
        answer = self._run(name, self._modules / folder, arguments, f"go mod download {module}")
        return Path(json.loads(answer)["Dir"])

    def build(self, spec: GoTool, folder: Path) -> float:
        """Puts the binary into `folder` and gives the seconds it took. Raises ToolchainError.

        The binary must be of the pinned version: as it says itself or, where it can't, as Go wrote into it.
        """
        began = time.monotonic()
        made = folder / spec.name
        with self._source(spec, folder.parent) as source:
            self._run(
                spec.name,
                source,
                ["build", "-ldflags", link_flags(spec), "-o", str(made), spec.package],
                f"go build {spec.package}",
            )
        version, said = self._version(spec, made)
        if version != spec.version:
            raise wrong_version(spec, said)
        return time.monotonic() - began

    def _version(self, spec: GoTool, made: Path) -> tuple[str | None, str]:
        """The version of a finished binary, and the words it is in."""
        if not spec.ask:
            said = self._run(spec.name, made.parent, ["version", "-m", str(made)], f"go version -m {spec.name}")
            return built_from(said, spec.package), said
        try:
            asked = self._children.run([str(made), *spec.ask], timeout=ASK_SECONDS)
        except (OSError, TimeoutError) as cause:
            raise wrong_version(spec, str(cause)) from cause
        return versions.version_in(asked.said, str(made)), asked.said

    @contextmanager
    def _source(self, spec: GoTool, scratch: Path) -> Iterator[Path]:
        """The folder to build in: the pinned one, or for a tool with an overlay a copy that uses the completed module.

        The module is copied as well: Go refuses overlays and changes below its module cache. What is compiled from it
        keeps the module's path and version, so compiled packages are shared with tools that use the fetched one.
        """
        files = overlay_files(spec, self._modules)
        pinned = self._modules / spec.module
        if not files:
            yield pinned
            return
        fetched = self.download(spec.name, spec.module, spec.overlay)
        with tempfile.TemporaryDirectory(dir=scratch) as name:
            folder = Path(name)
            copy_files(fetched, folder / COMPLETED)
            for place, ours in files.items():
                target = folder / COMPLETED / place
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ours, target)
            shutil.copyfile(pinned / "go.sum", folder / "go.sum")
            # Relative, since the binary records it: the same inputs give the same bytes.
            replaced = f"\nreplace {spec.overlay} => ./{COMPLETED}\n"
            (folder / "go.mod").write_text((pinned / "go.mod").read_text() + replaced)
            yield folder

    def _run(self, name: str, folder: Path, arguments: list[str], words: str) -> str:
        """What `go` printed. Raises ToolchainError where it fails."""
        try:
            result = self._children.run([str(self._go.path), *arguments], env=self._env, cwd=folder, tied=True)
        except OSError as cause:
            raise missing(f"{self._go.path} could not be run: {cause}.") from cause
        if result.code != 0:
            raise self._failure(name, words, _json_error(result.out) or result.said)
        return result.out

    def _failure(self, name: str, words: str, said: str) -> ToolchainError:
        too_old = re.search(r"requires go >= \S+ \(running go \S+.*\)", said)
        if too_old:
            return GoTooOld(f"{name}: {too_old.group()}.", f"Install Go {MINIMUM} or newer and put it first on PATH.")
        return translate(name, words, said, free_space(self._go_build))


def _json_error(out: str) -> str:
    """The error that a command of Go wrote into its JSON, where `>` and others are escaped; empty where it is none."""
    try:
        answer = json.loads(out)
    except ValueError:
        return ""
    return str(answer.get("Error", "")) if isinstance(answer, dict) else ""


def copy_files(source: Path, target: Path) -> None:
    """Copies a tree's plain files, writable: in Go's module cache files and folders are not."""
    for folder, _, names in os.walk(source):
        into = target / Path(folder).relative_to(source)
        into.mkdir(parents=True)
        for name in names:
            shutil.copyfile(Path(folder) / name, into / name)


def free_space(path: Path) -> str:
    """The space left where `path` is or will be, such as `12.3 GiB`."""
    existing = next(folder for folder in (path, *path.parents) if folder.exists())
    return f"{shutil.disk_usage(existing).free / 2**30:.1f} GiB"
