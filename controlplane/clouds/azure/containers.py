"""The container of a workspace, by the resource manager alone: the control plane has no way to its blobs."""

from __future__ import annotations

from collections.abc import Mapping

from azure.mgmt.storage.models import BlobContainer, PublicAccess

from components.facts import Azure
from controlplane.clouds.azure.client import Clients, translated
from controlplane.storage.errors import StorageRefused


class Containers:
    """Containers of one storage account. Encryption and the refusal of keys and of the public are the account's."""

    def __init__(self, clients: Clients, azure: Azure) -> None:
        self._containers = clients.storage.blob_containers
        self._account = (azure.storage_group or azure.resource_group, azure.storage_account)

    def metadata(self, name: str) -> dict[str, str] | None:
        """None: there is no such container."""
        found = self._find(name)
        return None if found is None else _metadata(found)

    def create(self, name: str, metadata: Mapping[str, str]) -> None:
        """With its metadata from the first moment on. One that exists keeps its own."""
        with translated("blobContainers.create"):
            self._containers.create(*self._account, name, _wanted(metadata))

    def settle(self, name: str, metadata: Mapping[str, str]) -> int:
        """Writes what is not as it must be; 1 where something was not."""
        found = self._find(name)
        if (
            found is not None
            and metadata.items() <= _metadata(found).items()
            and found.public_access in (None, PublicAccess.NONE)
        ):
            return 0
        with translated("blobContainers.update"):
            self._containers.update(*self._account, name, _wanted(metadata))
        return 1

    def remove(self, name: str) -> None:
        """With all that is in it, at once. Absent is fine."""
        try:
            with translated("blobContainers.delete"):
                self._containers.delete(*self._account, name)
        except StorageRefused as error:
            if error.status != 404:
                raise

    def _find(self, name: str) -> BlobContainer | None:
        try:
            with translated("blobContainers.get"):
                return self._containers.get(*self._account, name)
        except StorageRefused as error:
            if error.status == 404:
                return None
            raise


def _metadata(container: BlobContainer) -> dict[str, str]:
    return {key.lower(): value for key, value in (container.metadata or {}).items()}


def _wanted(metadata: Mapping[str, str]) -> BlobContainer:
    return BlobContainer(public_access=PublicAccess.NONE, metadata=dict(metadata))
