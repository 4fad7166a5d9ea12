"""hosts:index:HostImages: images of the blob store in a host's containerd. Only what is missing is streamed in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from infra.hosts import images, lifecycle
from infra.hosts.errors import HostError
from infra.hosts.transport import Transport
from infra.providers.hosts.models import HostImagesInputs, ImageInput
from infra.providers.hosts.resource import LIVE, Resource, Say, layout_of, transport_of
from infra.supply import documents
from infra.supply.archive import write_archive
from infra.supply.documents import BadDocument
from infra.supply.errors import SupplyError
from infra.supply.model import Blob, BuiltImage
from infra.supply.store import BlobStore


def built(store: BlobStore, image: ImageInput) -> BuiltImage:
    """The image in the blob store. Raises HostError where it is not there any more."""
    manifest = Blob(image.digest, image.size)
    if not store.has(manifest):
        raise HostError(f"image {image.reference} is not in {store.root}; `platform up` makes it again")
    try:
        return documents.image(image.name, image.reference, manifest, store.read(manifest))
    except BadDocument:
        raise HostError(str(store.damaged(manifest))) from None


def _share(inputs: HostImagesInputs, transport: Transport, store: BlobStore, chosen: Sequence[BuiltImage]) -> None:
    before = images.present_blobs(transport)
    layers = {blob.digest: blob for image in chosen for blob in image.layers if blob.digest not in before}
    files = [images.BlobFile(b.digest, b.size, store.path(b.digest)) for b in layers.values() if store.has(b)]
    images.share(layout_of(inputs), transport, files)


def superseded(old: dict[str, Any], inputs: HostImagesInputs) -> tuple[list[str], list[str]]:
    """(references to remove now, references to remove at the next change).

    An image that is no longer listed stays for one more round: pods may restart from it until they are rolled.
    """
    wanted = {image.reference for image in inputs.images}
    before = {str(image["reference"]) for image in old.get("images", [])}
    earlier = {str(reference) for reference in old.get("superseded", [])}
    dropped = before - wanted
    if not dropped:
        return [], sorted(earlier - wanted)
    return sorted(earlier - wanted - dropped), sorted(dropped)


def _bring(
    transport: Transport, store: BlobStore, chosen: list[BuiltImage], architecture: str, there: frozenset[str]
) -> None:
    try:
        images.bring(transport, lambda stream: write_archive(store, chosen, stream, architecture, there))
    except SupplyError as error:
        raise HostError(str(error)) from error


class HostImages(Resource[HostImagesInputs]):
    """Images go with the host's disk, so deleting this does nothing."""

    kind = "hosts:index:HostImages"
    inputs = HostImagesInputs
    outputs = ("superseded", LIVE)

    def create(self, inputs: HostImagesInputs, say: Say) -> dict[str, Any]:
        return self.update(inputs, {}, say)

    def update(self, inputs: HostImagesInputs, old: dict[str, Any], say: Say) -> dict[str, Any]:
        transport = transport_of(inputs)
        images.wait_for_runtime(transport)
        absent = set(self._missing(inputs))
        if absent:
            store = BlobStore(Path(inputs.store))
            chosen = [built(store, image) for image in inputs.images if image.reference in absent]
            if inputs.ssh is None:
                say(f"sharing the layers of {len(chosen)} images")
                _share(inputs, transport, store, chosen)
            blobs = {blob.digest: blob.size for image in chosen for blob in image.blobs}
            with images.held(transport, blobs) as there:
                size = sum(size for digest, size in blobs.items() if digest not in there)
                say(f"importing {len(chosen)} images ({size >> 20} MiB)")
                _bring(transport, store, chosen, inputs.architecture, there)
        remove, keep = superseded(old, inputs)
        images.remove(transport, remove)
        return {"superseded": keep, LIVE: True}

    def read(self, inputs: HostImagesInputs, old: dict[str, Any]) -> dict[str, Any] | None:
        return {"superseded": old.get("superseded", []), LIVE: self.live(inputs)}

    def live(self, inputs: HostImagesInputs) -> bool:
        if inputs.ssh is None and lifecycle.current(layout_of(inputs)) is None:
            return False
        try:
            return not self._missing(inputs)
        except HostError:
            return False

    def delete(self, inputs: HostImagesInputs, old: dict[str, Any], say: Say) -> None:
        del inputs, old, say

    def _missing(self, inputs: HostImagesInputs) -> tuple[str, ...]:
        wanted = [(image.reference, image.digest) for image in inputs.images]
        return images.missing(wanted, images.present(transport_of(inputs)))
