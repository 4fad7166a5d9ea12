"""`source` supply: images made on this machine from tools, packages and files, with nothing running inside.

A layer is looked up by its recipe and built only where it is not there; documents are computed each time. Two
processes may build at once: the second waits, then finds what the first made.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import BinaryIO

from components.images import Image
from infra.supply import archive, given, recipes
from infra.supply.building import Build
from infra.supply.errors import SourceChanged
from infra.supply.given import GivenImage
from infra.supply.making import Workshop
from infra.supply.model import DEFAULT_REGISTRY, BuiltImage, ImageSet, Progress, SupplyEvent, Tools, no_progress
from infra.supply.store import BlobStore, FileDigests

_ATTEMPTS = 3
"""How often a build starts over because somebody edits the project's files meanwhile. Finished layers are kept."""

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


class SourceSupply:
    """Builds images into the cache and hands them out as archives.

    `cache_root` is $MLP_CACHE, `project_root` the folder that locks and source paths are relative to, `registry` the
    prefix of every reference.
    """

    def __init__(
        self, cache_root: Path, toolchain: Tools, project_root: Path, registry: str = DEFAULT_REGISTRY
    ) -> None:
        self.store = BlobStore(cache_root / "images")
        self.architecture = _ARCHITECTURES[platform.machine()]
        self._tools = toolchain
        self._project = project_root.resolve()
        self._registry = registry

    def build(
        self, images: Sequence[Image], progress: Progress = no_progress, refresh: Collection[str] = ()
    ) -> ImageSet:
        """Makes every image whose content is not in the cache. Raises a SupplyError; finished layers are kept.

        `progress` is called from several threads. `refresh` names kinds of layer (`debian-base`, `debian`) to make
        anew, for newer Debian packages.
        """
        for image in images:
            recipes.check(image)
        with self._locked(progress):
            digests = FileDigests(self.store.root / "digests.json")
            workshop = Workshop(self.store, digests, self._project, self._tools, self.architecture)
            build = Build(workshop, self._registry, progress, frozenset(refresh))
            for _ in range(_ATTEMPTS - 1):
                with suppress(SourceChanged):
                    return build.run(images)
            return build.run(images)

    def write_archive(
        self, images: Iterable[BuiltImage], stream: BinaryIO, present_blobs: Collection[str] = ()
    ) -> None:
        """Streams the images for `ctr images import -`; see archive.write_archive."""
        archive.write_archive(self.store, images, stream, self.architecture, present_blobs)

    def bundle(self, images: Iterable[BuiltImage], path: Path) -> None:
        """Writes the images to a file, for machines without registries; `take` is the other side."""
        archive.bundle(self.store, images, path, self.architecture)

    def look(self, paths: Iterable[Path]) -> tuple[GivenImage, ...]:
        """What is in image archives, without reading their layers. Raises BadArchive or CorruptBlob."""
        return tuple(each for path in paths for each in given.look(path, self._registry, self.architecture))

    def take(self, paths: Iterable[Path], progress: Progress = no_progress) -> tuple[GivenImage, ...]:
        """The same, with all of it in the cache. Raises BadArchive, or CorruptBlob for a damaged one."""
        found: list[GivenImage] = []
        for path in paths:
            with self._locked(progress):
                found += self._take(path, progress)
        return tuple(found)

    def prune(self, keep: ImageSet, progress: Progress = no_progress) -> int:
        """Removes from the cache what `keep` does not need; gives the bytes freed."""
        with self._locked(progress):
            return self.store.prune({blob.digest for blob in keep.blobs})

    def _take(self, path: Path, progress: Progress) -> tuple[GivenImage, ...]:
        inside = self.look([path])
        size = sum(blob.size for blob in given.absent(self.store, inside))
        if not size:
            progress(SupplyEvent(str(path), "reused"))
            return inside
        progress(SupplyEvent(str(path), "started", size=size))
        began = time.monotonic()
        taken = given.take(self.store, path, self._registry, self.architecture)
        progress(SupplyEvent(str(path), "built", time.monotonic() - began, size))
        return taken

    def _locked(self, progress: Progress) -> AbstractContextManager[None]:
        return self.store.locked(lambda: progress(SupplyEvent("the end of another build", "waiting")))
