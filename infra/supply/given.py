"""Images that somebody else made, in archives on this machine: what is in them, and taking that into the store.

An archive is looked at anew each time, which reads headers and documents alone; layers are read once, when they are
taken in. What the store has by its digest is not read again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.supply import documents, references
from infra.supply.documents import BadDocument, Configuration, Descriptor, Index, Manifest, Platform, parsed
from infra.supply.errors import BadArchive, CorruptBlob
from infra.supply.layout import LayoutFile, opened
from infra.supply.media import CONFIGS, INDEXES, MANIFESTS
from infra.supply.model import Blob, BuiltImage, ImageSet
from infra.supply.oci import CONTAINERD_NAME, REF_NAME
from infra.supply.store import BlobStore

_DEEPEST = 3
"""How deep indexes may lie in each other."""

_PLAIN_VARIANTS = ("", "v1", "v8")
"""Of processors: what every amd64 or arm64 runs."""

NAMING = (
    "Write it under its name: docker save NAME:TAG (not by its ID), skopeo copy … oci-archive:FILE:NAME:TAG, "
    "ctr images export FILE NAME:TAG."
)


@dataclass(frozen=True)
class GivenImage:
    """An image and the file that it is in. Its name is its reference without the registry: `path:tag`."""

    image: BuiltImage
    path: Path


def look(path: Path, registry: str, architecture: str) -> tuple[GivenImage, ...]:
    """The images in an archive under the references below `registry` that they will have, for linux/`architecture`.

    Raises BadArchive, or CorruptBlob where a blob is missing. Layers are not read.
    """
    with opened(path) as layout:
        return _images(layout, registry, architecture)


def take(store: BlobStore, path: Path, registry: str, architecture: str) -> tuple[GivenImage, ...]:
    """The same, with every blob of theirs in the store. Raises CorruptBlob for a damaged one, which is not kept."""
    with opened(path) as layout:
        given = _images(layout, registry, architecture)
        for blob in absent(store, given):
            try:
                store.write(lambda stream, blob=blob: layout.copy(blob, stream), expected=blob)  # type: ignore[misc]
            except CorruptBlob:
                raise layout.damaged(blob) from None
    return given


def absent(store: BlobStore, given: Iterable[GivenImage]) -> tuple[Blob, ...]:
    """Blobs of the images that are not in the store yet."""
    blobs = {blob.digest: blob for each in given for blob in each.image.blobs}
    return tuple(blob for blob in blobs.values() if not store.has(blob))


def distinct(given: Iterable[GivenImage]) -> ImageSet:
    """The images of all archives by their names. Raises BadArchive where two have one name and different content."""
    found: dict[str, GivenImage] = {}
    for each in given:
        first = found.setdefault(each.image.reference, each)
        if first.image.digest != each.image.digest:
            raise BadArchive(
                f"{first.path} and {each.path} hold different images that would both be {each.image.reference}. "
                "Write one of them under another tag, or leave its archive out of supply.archives."
            )
    return ImageSet({each.image.name: each.image for each in found.values()})


def joined(built: ImageSet, given: Sequence[GivenImage]) -> ImageSet:
    """What is built with what is given; an image that is both is there once.

    Raises BadArchive where one has the reference of another with different content.
    """
    mine = {image.reference: image.digest for image in built}
    for each in given:
        if mine.get(each.image.reference, each.image.digest) != each.image.digest:
            raise BadArchive(
                f"{each.path} holds an image that would be {each.image.reference}, which the platform makes itself. "
                "Write the archive without it, or under another tag."
            )
    others = {name: image for name, image in distinct(given).images.items() if image.reference not in mine}
    return ImageSet({**built.images, **others})


def _images(layout: LayoutFile, registry: str, architecture: str) -> tuple[GivenImage, ...]:
    named: dict[str, list[Descriptor]] = {}
    for entry in layout.index().manifests or ():
        named.setdefault(_reference(layout, entry, registry), []).append(entry)
    if not named:
        raise BadArchive(f"{layout.path} holds no images. {NAMING}")
    return tuple(
        GivenImage(_image(layout, reference.removeprefix(registry), reference, entries, architecture), layout.path)
        for reference, entries in sorted(named.items())
    )


def _reference(layout: LayoutFile, entry: Descriptor, registry: str) -> str:
    """The delivered reference of an entry of index.json."""
    annotations = entry.annotations or {}
    short = annotations.get(REF_NAME, "")
    name = annotations.get(CONTAINERD_NAME) or (short if "/" in short or ":" in short else "")
    if not name:
        tag = f" (only the tag {short!r})" if short else ""
        raise BadArchive(f"{layout.path} holds an image without a name{tag}: {entry.digest}. {NAMING}")
    try:
        return references.delivered(name, registry)
    except ValueError as error:
        raise BadArchive(f"{layout.path} holds the image {name!r}, which {error}. {NAMING}") from None


def _image(
    layout: LayoutFile, name: str, reference: str, entries: Sequence[Descriptor], architecture: str
) -> BuiltImage:
    """The one image for the architecture, whole."""
    listed = [each for entry in entries for each in _platforms(layout, entry)]
    # An index may list platforms that were not written.
    found = [each for each in listed if layout.has(each[1].blob)] or listed
    fitting = [each for each in found if (each[0].os, each[0].architecture) == ("linux", architecture)]
    plain = [each for each in fitting if each[0].variant in _PLAIN_VARIANTS] or fitting
    if not plain:
        there = ", ".join(dict.fromkeys(str(platform) for platform, _ in found)) or "nothing that runs"
        raise BadArchive(
            f"{layout.path} holds {name} for {there}, but nodes are linux/{architecture}. "
            f"Pull and write it again with --platform linux/{architecture} (skopeo: --override-arch {architecture})."
        )
    if len({descriptor.digest for _, descriptor in plain}) > 1:
        digests = " and ".join(dict.fromkeys(descriptor.digest for _, descriptor in plain))
        raise BadArchive(f"{layout.path} holds different images named {name}: {digests}. Leave one of them out.")
    descriptor = plain[0][1]
    try:
        data = layout.document(descriptor.blob)
        image = documents.image(name, reference, descriptor.blob, data, descriptor.media_type)
    except BadDocument as error:
        raise _unreadable(layout, descriptor, error) from None
    for blob in image.blobs:
        layout.require(blob)
    return image


def _platforms(layout: LayoutFile, entry: Descriptor, depth: int = 0) -> Iterator[tuple[Platform, Descriptor]]:
    """Every image that the entry leads to, with what it runs on. What is no image, such as a statement about one, is
    passed over."""
    try:
        if entry.media_type in INDEXES and depth < _DEEPEST:
            for each in parsed(Index, layout.document(entry.blob)).manifests or ():
                yield from _platforms(layout, each, depth + 1)
        elif entry.media_type in MANIFESTS:
            platform = entry.platform or _platform(layout, entry)
            if platform is not None and platform.os != "unknown":
                yield platform, entry
    except BadDocument as error:
        raise _unreadable(layout, entry, error) from None


def _platform(layout: LayoutFile, entry: Descriptor) -> Platform | None:
    """As the image's configuration says; None where the manifest is not of an image."""
    configuration = parsed(Manifest, layout.document(entry.blob)).config
    if configuration.media_type not in CONFIGS:
        return None
    return parsed(Configuration, layout.document(configuration.blob))


def _unreadable(layout: LayoutFile, entry: Descriptor, error: BadDocument) -> BadArchive:
    return BadArchive(f"{layout.path} is damaged: document {entry.digest} can't be read ({error}). Write it again.")
