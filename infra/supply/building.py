"""One run of building: the base first, then every layer that is not in the cache, then the images' documents."""

from __future__ import annotations

import shutil
import time
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from components.images import GoBinary, Image
from infra.supply import debian, oci, recipes
from infra.supply.errors import BadImage
from infra.supply.making import Making, Workshop
from infra.supply.model import Blob, BuiltImage, ImageSet, Progress, SupplyEvent, Tool
from infra.supply.process import CLEAN, run
from infra.supply.recipes import Base, Recipe
from infra.supply.store import LayerRecord

_AT_ONCE = 2
"""Layers made at the same time: one waits for a registry while another compiles."""

_ORDER = ("debian-base", "source", "python", "debian", "go", "text", "skeleton")
"""Source first, so that files have little time to change after they were looked at; then what takes longest."""


@dataclass(frozen=True)
class Build:
    """Below the store's lock only. `refresh` names kinds of layer that are made anew."""

    workshop: Workshop
    registry: str
    progress: Progress
    refresh: Collection[str] = ()

    def run(self, images: Sequence[Image]) -> ImageSet:
        """Raises a SupplyError; layers that were finished before stay in the cache."""
        began = time.monotonic()
        base = self._base() if recipes.needs_debian(images) else None
        binaries = self._binaries(images)
        plans = [(image, self._plan(image, base, binaries)) for image in images]
        layers = self._layers(list({making.recipe.key: making for _, plan in plans for making in plan}.values()), base)
        built: dict[str, BuiltImage] = {}
        for image, plan in plans:
            under = [base.blob] if base and image.base == "debian" else []
            one = self._image(image, [*under, *(layers[making.recipe.key] for making in plan)])
            if built.setdefault(image.name, one) != one:
                raise BadImage(f"Two different images are named {image.name!r}. Give one of them another name.")
        done = ImageSet(built)
        self.progress(SupplyEvent(f"{len(done)} images", "built", time.monotonic() - began, done.size))
        return done

    def _base(self) -> Base:
        record = self._all([self.workshop.debian_base()])[0]
        return Base(record.blob, debian.python_version(record.receipt["packages"]))

    def _binaries(self, images: Sequence[Image]) -> dict[str, Tool]:
        names = {layer.tool for image in images for layer in image.layers if isinstance(layer, GoBinary)}
        return dict(self.workshop.tools.ensure(sorted(names))) if names else {}

    def _plan(self, image: Image, base: Base | None, binaries: dict[str, Tool]) -> list[Making]:
        under = base if image.base == "debian" else None
        first = [] if under else [self.workshop.skeleton()]
        return [*first, *(self.workshop.layer(layer, under, binaries) for layer in image.layers)]

    def _layers(self, makings: Sequence[Making], base: Base | None) -> dict[str, Blob]:
        if base and any(making.on_base and self._kept(making.recipe) is None for making in makings):
            self._unpack(base)
        return {making.recipe.key: record.blob for making, record in zip(makings, self._all(makings), strict=True)}

    def _all(self, makings: Sequence[Making]) -> list[LayerRecord]:
        ordered = sorted(makings, key=lambda making: _ORDER.index(making.recipe.kind))
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            made = dict(zip((making.recipe.key for making in ordered), pool.map(self._layer, ordered), strict=True))
        return [made[making.recipe.key] for making in makings]

    def _layer(self, making: Making) -> LayerRecord:
        title = making.recipe.title
        if kept := self._kept(making.recipe):
            self.progress(SupplyEvent(title, "reused", size=kept.blob.size))
            return kept
        self.progress(SupplyEvent(title, "started"))
        began = time.monotonic()
        with self.workshop.store.work_folder() as work:
            write, receipt = making.make(work)
            blob = self.workshop.store.write(write)
        record = LayerRecord(blob, title, time.monotonic() - began, receipt)
        self.workshop.store.remember(making.recipe.key, record)
        self.progress(SupplyEvent(title, "built", record.seconds, blob.size))
        return record

    def _kept(self, recipe: Recipe) -> LayerRecord | None:
        return None if recipe.kind in self.refresh else self.workshop.store.recipe(recipe.key)

    def _unpack(self, base: Base) -> None:
        """Unpacks the base for layers to be built against, once, in place of an older one.

        A half-done unpacking is never taken for a whole.
        """
        store = self.workshop.store
        target = store.base_root(base.blob.digest)
        if target.exists():
            return
        shutil.rmtree(target.parent, ignore_errors=True)
        target.parent.mkdir(parents=True)
        with store.work_folder() as work:
            root = work / "root"
            root.mkdir(mode=0o755)
            archive, folder = f"--file={store.path(base.blob.digest)}", f"--directory={root}"
            options = ["--extract", "--preserve-permissions", "--same-owner", "--numeric-owner"]
            run(["tar", *options, archive, folder], "the unpacked Debian base", CLEAN)
            root.replace(target)

    def _image(self, image: Image, layers: Sequence[Blob]) -> BuiltImage:
        store = self.workshop.store
        config = store.put(oci.config(image, layers, self.workshop.architecture))
        manifest = store.put(oci.manifest(config, layers))
        return BuiltImage(
            name=image.name,
            reference=oci.reference(image, self.registry, manifest.digest),
            manifest=manifest,
            config=config,
            layers=tuple(layers),
        )
