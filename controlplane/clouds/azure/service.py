"""A container and an identity for every workspace on Azure."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from components.facts import Azure
from controlplane.clouds.azure.assignments import Assignments
from controlplane.clouds.azure.client import Clients
from controlplane.clouds.azure.containers import Containers
from controlplane.clouds.azure.grants import federation
from controlplane.clouds.azure.identities import Identities
from controlplane.clouds.names import cloud_name, marks, owner
from controlplane.reconcile.model import WorkspaceSpec
from controlplane.storage.errors import BucketTaken, IdentityTaken

_KNOWN_SECONDS = 600.0
"""An identity that was made anew by another process is noticed after this time."""


class AzureStorage:
    """`controlplane.reconcile.model.WorkspaceStorage` on Azure. One per process."""

    def __init__(
        self,
        azure: Azure,
        installation: str,
        clients: Clients | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._azure = azure
        self._installation = installation
        self._clients = clients or Clients.connect(azure.subscription)
        self._containers = Containers(self._clients, azure)
        self._identities = Identities(self._clients, azure, installation)
        self._assignments = Assignments(self._clients, azure)
        self._clock = clock
        self._client_ids: dict[tuple[str, str], str] = {}
        """By name and uid."""
        self._listed_at: float | None = None

    def close(self) -> None:
        """Closes every connection."""
        self._clients.close()

    def name(self, spec: WorkspaceSpec) -> str:
        """Of the workspace's container and of its identity."""
        return cloud_name(self._installation, self._azure.subscription, spec)

    def environment(self, spec: WorkspaceSpec) -> Mapping[str, str]:
        """The container; credentials come by the service account."""
        return {"MLP_BUCKET": self.name(spec)}

    def annotations(self, spec: WorkspaceSpec) -> Mapping[str, str]:
        """The identity's client id, which only Azure knows: all of them are asked for at once, now and then."""
        if spec.suspended:
            return {}
        client = self._client_id(spec)
        if client is None:
            return {}
        return {
            "azure.workload.identity/client-id": client,
            "azure.workload.identity/tenant-id": self._azure.tenant,
        }

    def ensure(self, spec: WorkspaceSpec) -> int:
        """Container, identity, role, and who may become the identity. Suspended: neither role nor anybody.

        BucketTaken, IdentityTaken: something of that name is not this workspace's, and was not touched.
        """
        name, metadata = self.name(spec), marks(self._installation, spec, "_")
        identity = self._identities.find(name, spec.uid)
        # What takes access away comes before anything that may fail.
        writes = self._identities.unbind(name) if identity is not None and spec.suspended else 0
        writes += self._container(name, spec, metadata)
        if identity is None:
            identity = self._identities.create(name, marks(self._installation, spec, "-"))
            writes += 1
        self._client_ids[name, spec.uid] = identity.client
        if spec.suspended:
            return writes + self._assignments.ensure(name, None) + self._containers.settle(name, metadata)
        writes += self._containers.settle(name, metadata)
        writes += self._assignments.ensure(name, identity.principal)
        return writes + self._identities.federate(name, federation(self._azure, spec))

    def remove(self, spec: WorkspaceSpec, *, keep_data: bool) -> None:
        """Who may become the identity, its role, the identity, and last the container. What is not ours stays."""
        name = self.name(spec)
        self._client_ids.pop((name, spec.uid), None)
        try:
            identity = self._identities.find(name, spec.uid)
        except IdentityTaken:
            return
        if identity is not None:
            self._identities.unbind(name)
        metadata = self._containers.metadata(name)
        ours = metadata is not None and owner(metadata, self._installation, "_") == spec.uid
        if ours:
            self._assignments.ensure(name, None)
        if identity is not None:
            self._identities.remove(name)
        if ours and not keep_data:
            self._containers.remove(name)

    def _container(self, name: str, spec: WorkspaceSpec, metadata: Mapping[str, str]) -> int:
        found, made = self._containers.metadata(name), 0
        if found is None:
            self._containers.create(name, metadata)
            found, made = self._containers.metadata(name) or {}, 1
        uid = owner(found, self._installation, "_")
        if uid != spec.uid:
            raise BucketTaken(name, uid)
        return made

    def _client_id(self, spec: WorkspaceSpec) -> str | None:
        at, now = (self.name(spec), spec.uid), self._clock()
        if self._listed_at is None or now - self._listed_at > _KNOWN_SECONDS:
            self._client_ids = {key: found.client for key, found in self._identities.all().items()}
            self._listed_at = now
        if at not in self._client_ids:
            try:
                found = self._identities.find(*at)
            except IdentityTaken:  # `ensure` says so
                return None
            if found is None:
                return None
            self._client_ids[at] = found.client
        return self._client_ids[at]
