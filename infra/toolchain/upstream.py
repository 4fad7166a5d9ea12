"""Kubernetes objects that a pinned Go module brings as YAML, such as CRDs: read once, then kept in the cache as JSON.

What is kept is named by the digest of all that it was made from, and written beside its place and renamed into it. So
it is whole or not there, runs beside each other only do the same work twice, and later ones need no Go and no network.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from components.contract import KubernetesObject, Upstream
from infra.toolchain import golang
from infra.toolchain.errors import DiskFull, ManifestsInvalid, ToolchainError
from infra.toolchain.model import Origin, Progress, Report, State
from infra.toolchain.processes import Children

FORMAT = "1"
"""Part of every key: another number where the same files are read in another way."""
EXPECTED_SECONDS = 5.0
"""What fetching and reading one module takes."""

KUSTOMIZE_FILES = frozenset({"kustomization.yaml", "kustomization.yml", "Kustomization", "kustomizeconfig.yaml"})
KUSTOMIZE_GROUP = "kustomize.config.k8s.io/"


class UpstreamObjects:
    """Objects of modules by the name of their `Upstream`, each a fresh copy; `search` is the PATH that has Go."""

    def __init__(self, cache_root: Path, search: str | None = None, modules: Path = golang.MODULES) -> None:
        self._root = cache_root
        self._folder = cache_root / "upstream"
        self._search = os.environ.get("PATH", os.defpath) if search is None else search
        self._modules = modules

    def kept(self, wanted: Sequence[Upstream]) -> dict[str, tuple[KubernetesObject, ...]]:
        """Those that the cache has. Only reads files. Raises NotPinned for one that could never be had."""
        found = {upstream.name: self._load(upstream) for upstream in _distinct(wanted)}
        return {name: objects for name, objects in found.items() if objects is not None}

    def ensure(
        self, wanted: Sequence[Upstream], report: Report | None = None
    ) -> dict[str, tuple[KubernetesObject, ...]]:
        """All of them, fetched where the cache lacks them. Raises ToolchainError; what was read before is kept."""
        asked = _distinct(wanted)
        found = self.kept(asked)
        children = Children()
        try:
            builder: golang.Builder | None = None
            for upstream in asked:
                told = _Teller(upstream.name, report)
                version = golang.pinned_version(self._modules / upstream.pinned_by, upstream.module)
                if upstream.name in found:
                    told.tell("done", version, "cache")
                    continue
                told.tell("fetching", f"manifests of {upstream.module} {version}")
                try:
                    builder = builder or self._builder(children)
                    found[upstream.name] = self._fetch(builder, upstream, version)
                except ToolchainError as error:
                    told.tell("failed", str(error))
                    raise
                told.tell("done", version, "extracted")
        finally:
            children.close()
        return {upstream.name: found[upstream.name] for upstream in asked}

    def _builder(self, children: Children) -> golang.Builder:
        go = golang.find(children, self._search)
        return golang.Builder(go, children, self._root / "go-build", self._modules)

    def _fetch(self, builder: golang.Builder, upstream: Upstream, version: str) -> tuple[KubernetesObject, ...]:
        folder = builder.download(upstream.name, upstream.pinned_by, upstream.module)
        objects = read(folder, upstream)
        key = self._key(upstream)
        text = json.dumps({"key": key, "module": upstream.module, "version": version, "objects": objects})
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with _renamed(self._folder / f"{key}.json") as temporary:
                temporary.write_text(text)
        except OSError as cause:
            raise DiskFull(
                f"{upstream.name}: the cache can't be written: {cause} ({golang.free_space(self._root)} free).",
                "Free some space or set MLP_CACHE to a folder of yours on another disk, then run again.",
            ) from cause
        # Read back, so that the first answer is the very one that later runs get: YAML's anchors share, its keys vary.
        return tuple(json.loads(text)["objects"])

    def _load(self, upstream: Upstream) -> tuple[KubernetesObject, ...] | None:
        key = self._key(upstream)
        try:
            document = json.loads((self._folder / f"{key}.json").read_bytes())
            return tuple(document["objects"]) if document["key"] == key else None
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def _key(self, upstream: Upstream) -> str:
        folder = self._modules / upstream.pinned_by
        version = golang.pinned_version(folder, upstream.module)
        sums = (folder / "go.sum").read_bytes()
        parts = [FORMAT, upstream.module, version, *upstream.files]
        return hashlib.sha256("\0".join(parts).encode() + b"\0" + hashlib.sha256(sums).digest()).hexdigest()


class _Teller:
    """Passes on the progress of one module, with the seconds since it began."""

    def __init__(self, name: str, report: Report | None) -> None:
        self._name, self._report, self._began = name, report, time.monotonic()

    def tell(self, state: State, detail: str, origin: Origin | None = None) -> None:
        if self._report is not None:
            seconds = time.monotonic() - self._began
            self._report(Progress(self._name, state, detail, seconds, EXPECTED_SECONDS, origin))


def read(folder: Path, upstream: Upstream) -> tuple[KubernetesObject, ...]:
    """The objects of the files that the globs match below `folder`: each file once, globs as given, files by name.

    Empty documents and kustomize's own files are left out, lists are opened. Raises ManifestsInvalid.
    """
    files: dict[Path, None] = {}
    for pattern in upstream.files:
        matched = sorted(path for path in folder.glob(pattern) if path.is_file())
        if not matched:
            raise ManifestsInvalid(
                f"{upstream.name}: {upstream.module} has no file that matches {pattern!r}.",
                "Compare the component's globs with the module's files at the pinned version.",
            )
        files.update(dict.fromkeys(path for path in matched if path.name not in KUSTOMIZE_FILES))
    objects: list[KubernetesObject] = []
    for path in files:
        try:
            objects += parse(path.read_text(encoding="utf-8"))
        except (ValueError, yaml.YAMLError) as cause:
            raise ManifestsInvalid(
                f"{upstream.name}: {path.relative_to(folder)} of {upstream.module} holds more than Kubernetes objects: "
                f"{cause}.",
                "Narrow the component's globs to files of whole objects, without patches and templates.",
            ) from cause
    if not objects:
        raise ManifestsInvalid(
            f"{upstream.name}: the files of {upstream.module} hold no Kubernetes object.",
            "Compare the component's globs with the module's files at the pinned version.",
        )
    return tuple(objects)


def parse(text: str) -> list[KubernetesObject]:
    """The objects of one YAML text. Raises ValueError for a document that is none, yaml.YAMLError. Pure."""
    # The loader is a SafeLoader with fewer types.
    return [found for document in yaml.load_all(text, Loader=_Loader) for found in _objects(document)]


def _objects(document: Any) -> list[KubernetesObject]:
    if document is None or document == {}:
        return []
    if not isinstance(document, dict) or not _named(document, "apiVersion") or not _named(document, "kind"):
        raise ValueError("a document without apiVersion and kind")
    if document["apiVersion"].startswith(KUSTOMIZE_GROUP):
        return []
    if document["kind"].endswith("List") and isinstance(document.get("items"), list):
        return [found for item in document["items"] for found in _objects(item)]
    if not isinstance(document.get("metadata"), dict) or not _named(document["metadata"], "name"):
        raise ValueError(f"a {document['kind']} without a name")
    return [document]


def _named(document: dict[str, Any], field: str) -> bool:
    return isinstance(document.get(field), str) and bool(document[field])


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML as Kubernetes' own clients read it: dates and a lone `=` are strings. The C parser is ten times as fast."""


_NOT_RESOLVED = ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value")
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _NOT_RESOLVED]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _distinct(wanted: Sequence[Upstream]) -> list[Upstream]:
    """Each once. Raises ValueError where two of one name differ: one would hide the other's objects."""
    named: dict[str, Upstream] = {}
    for upstream in wanted:
        if named.setdefault(upstream.name, upstream) != upstream:
            raise ValueError(f"two components' manifests have the name {upstream.name!r}; give each its own")
    return list(named.values())


@contextlib.contextmanager
def _renamed(target: Path) -> Iterator[Path]:
    """A new file beside `target` that takes its place when the block ends well."""
    descriptor, name = tempfile.mkstemp(prefix=".", suffix=".json", dir=target.parent)
    os.close(descriptor)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
