"""Values that the supply gives and takes: blobs, built images, progress."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from infra.supply.media import MANIFEST_TYPE

DEFAULT_REGISTRY = "registry.mlp.internal/"
"""Prefix of every image of `source` supply. No such host exists: nodes get these images by import, never by pull."""


@dataclass(frozen=True)
class Blob:
    """Content by its digest (`sha256:<hex>`); `size` in bytes."""

    digest: str
    size: int


@dataclass(frozen=True)
class BuiltImage:
    """One image in the blob store.

    Layers that are made here are uncompressed tars, so that a layer's digest is also its diff id; those of images that
    others made are as they were given, compressed or not.
    """

    name: str
    reference: str
    manifest: Blob
    config: Blob
    layers: tuple[Blob, ...]
    media_type: str = MANIFEST_TYPE
    """Of the manifest."""

    @property
    def digest(self) -> str:
        return self.manifest.digest

    @property
    def size(self) -> int:
        """Bytes of all blobs, shared layers included."""
        return sum(blob.size for blob in self.blobs)

    @property
    def blobs(self) -> tuple[Blob, ...]:
        return (self.manifest, self.config, *self.layers)


@dataclass(frozen=True)
class ImageSet:
    """Built images by image name."""

    images: Mapping[str, BuiltImage]

    def __getitem__(self, name: str) -> BuiltImage:
        return self.images[name]

    def __iter__(self) -> Iterator[BuiltImage]:
        return iter(self.images.values())

    def __len__(self) -> int:
        return len(self.images)

    @property
    def references(self) -> dict[str, str]:
        """Image name → full reference, as components want it."""
        return {name: image.reference for name, image in self.images.items()}

    @property
    def blobs(self) -> tuple[Blob, ...]:
        """Every blob once, manifests and configs before layers."""
        documents = {blob.digest: blob for image in self for blob in (image.manifest, image.config)}
        layers = {blob.digest: blob for image in self for blob in image.layers}
        return (*documents.values(), *layers.values())

    @property
    def size(self) -> int:
        """Bytes on disk: shared blobs count once."""
        return sum(blob.size for blob in self.blobs)

    def select(self, names: Collection[str]) -> ImageSet:
        """The named images only. Raises KeyError for a name that is not here."""
        return ImageSet({name: self.images[name] for name in names})


@dataclass(frozen=True)
class SupplyEvent:
    """Progress. `subject` is a layer or an image in words; `size` in bytes; `reused` took no time."""

    subject: str
    state: Literal["waiting", "started", "built", "reused"]
    seconds: float = 0.0
    size: int = 0


Progress = Callable[[SupplyEvent], None]


def no_progress(_: SupplyEvent) -> None:
    """Says nothing."""


class Tool(Protocol):
    """A binary of the toolchain and what it needs in its environment."""

    @property
    def path(self) -> Path: ...

    @property
    def env(self) -> Mapping[str, str]: ...


class Tools(Protocol):
    """The part of the toolchain that building needs."""

    def ensure(self, names: Collection[str]) -> Mapping[str, Tool]: ...
