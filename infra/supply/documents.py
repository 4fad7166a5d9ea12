"""The JSON documents of images as others write them (OCI image specification 1.1, Docker's second schema).

Only what is needed is read; whatever else is in them stays as it is, because a document is never written anew.
"""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from infra.supply.media import MANIFEST_TYPE
from infra.supply.model import Blob, BuiltImage


class _Document(BaseModel):
    """Open: other keys are others' business."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True)


class Platform(_Document):
    """What an image runs on."""

    os: str = ""
    architecture: str = ""
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part) or "an unnamed platform"


class Descriptor(_Document):
    """A blob as a document names it."""

    media_type: str = ""
    digest: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
    size: Annotated[int, Field(ge=0)]
    platform: Platform | None = None
    annotations: dict[str, str] | None = None

    @property
    def blob(self) -> Blob:
        return Blob(self.digest, self.size)


class Index(_Document):
    """Images, or one image for several platforms."""

    manifests: tuple[Descriptor, ...] | None = None


class Manifest(_Document):
    """One image for one platform."""

    media_type: str = ""
    config: Descriptor
    layers: tuple[Descriptor, ...] | None = None


class Configuration(Platform):
    """Of an image's configuration only what it runs on."""


_D = TypeVar("_D", bound=_Document)


class BadDocument(ValueError):
    """A document is not what it must be. Holds half a sentence."""


def parsed(kind: type[_D], data: bytes) -> _D:
    """Raises BadDocument."""
    try:
        return kind.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the document"
        raise BadDocument(f"{where}: {first['msg']}") from None


def image(name: str, reference: str, manifest: Blob, data: bytes, media_type: str = "") -> BuiltImage:
    """The image whose manifest reads `data`; `media_type` is what its descriptor says, where it says something.

    Raises BadDocument.
    """
    document = parsed(Manifest, data)
    return BuiltImage(
        name=name,
        reference=reference,
        manifest=manifest,
        config=document.config.blob,
        layers=tuple(layer.blob for layer in document.layers or ()),
        media_type=document.media_type or media_type or MANIFEST_TYPE,
    )
