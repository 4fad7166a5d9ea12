"""How each kind of layer is made: joins its recipe (pure) with the code that builds it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from components.images import DebianPackages, GoBinary, Layer, PythonPackages, SourceTree, TextFile
from infra.supply import debian, files, python_layer, recipes
from infra.supply.errors import BadImage
from infra.supply.model import Tool, Tools
from infra.supply.recipes import Base, Recipe
from infra.supply.store import BlobStore, FileDigests

Write = Callable[[BinaryIO], None]


@dataclass(frozen=True)
class Making:
    """`make` prepares a layer in a work folder and gives what writes it, and its receipt."""

    recipe: Recipe
    make: Callable[[Path], tuple[Write, dict[str, Any]]]
    on_base: bool = False
    """Whether making it needs the unpacked Debian base."""


@dataclass(frozen=True)
class Workshop:
    """What layers are made with: the project's files, binaries, and the cache."""

    store: BlobStore
    digests: FileDigests
    project: Path
    tools: Tools
    architecture: str

    def debian_base(self) -> Making:
        recipe = recipes.debian_base(self.architecture)

        def make(work: Path) -> tuple[Write, dict[str, Any]]:
            result = debian.build_base(work, self.tools, recipe.title)
            return result.write, {"packages": result.packages}

        return Making(recipe, make)

    def skeleton(self) -> Making:
        return Making(recipes.skeleton(), lambda _: (files.write_skeleton, {}))

    def layer(self, layer: Layer, base: Base | None, binaries: Mapping[str, Tool]) -> Making:
        """Reads what the recipe depends on (files, digests). Raises BadImage where that is not there."""
        if isinstance(layer, TextFile):
            return Making(recipes.text(layer), lambda _: (lambda stream: files.write_text(layer, stream), {}))
        if isinstance(layer, GoBinary):
            return self._go(layer, binaries[layer.tool].path)
        if isinstance(layer, SourceTree):
            return self._source(layer, base)
        if base is None:
            raise BadImage(f"{layer} needs an image with base 'debian'.")
        return self._debian(layer, base) if isinstance(layer, DebianPackages) else self._python(layer, base)

    def _go(self, layer: GoBinary, binary: Path) -> Making:
        recipe = recipes.go(layer, self.digests.of(binary))
        return Making(recipe, lambda _: (lambda stream: files.write_binary(layer, binary, stream), {}))

    def _source(self, layer: SourceTree, base: Base | None) -> Making:
        taken = files.source_files(self.project, layer, self.digests)

        def make(work: Path) -> tuple[Write, dict[str, Any]]:
            root = self.store.base_root(base.blob.digest) if base else None
            staged = files.stage_source(layer, taken, self.project, root, work)
            return lambda stream: files.write_source(layer, staged, stream), {}

        return Making(recipes.source(layer, taken, base), make, on_base=base is not None)

    def _debian(self, layer: DebianPackages, base: Base) -> Making:
        recipe = recipes.debian(layer, base)

        def make(work: Path) -> tuple[Write, dict[str, Any]]:
            root = self.store.base_root(base.blob.digest)
            result = debian.build_packages(work, root, layer.packages, recipe.title)
            return result.write, {"packages": result.packages}

        return Making(recipe, make, on_base=True)

    def _python(self, layer: PythonPackages, base: Base) -> Making:
        lock = self.project / layer.lock
        if not lock.is_file():
            raise BadImage(
                f"A Python layer names the lock {layer.lock!r}; the project has no such file. Correct the path."
            )
        recipe = recipes.python(layer, self.digests.of(lock), base, self.architecture)

        def make(work: Path) -> tuple[Write, dict[str, Any]]:
            root = self.store.base_root(base.blob.digest)
            result = python_layer.build(work, root, lock, self.architecture, recipe.title, without=layer.without)
            return result.write, {"packages": result.packages}

        return Making(recipe, make, on_base=True)
