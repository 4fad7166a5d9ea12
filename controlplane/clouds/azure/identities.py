"""The identity of a workspace, and which service account may become it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from azure.mgmt.msi.models import FederatedIdentityCredential
from azure.mgmt.msi.models import Identity as Body

from components.facts import Azure
from controlplane.clouds.azure.client import Clients, translated
from controlplane.clouds.azure.grants import Federation
from controlplane.clouds.names import owner
from controlplane.clouds.patience import until_known
from controlplane.storage.errors import IdentityTaken, StorageRefused

CREDENTIAL = "workload"
"""Name of an identity's one federated credential."""
_NOT_YET = frozenset({"ParentResourceNotFound", "ResourceNotFound"})
"""What Azure says at one place of an identity that it made at another a moment ago."""


@dataclass(frozen=True)
class Identity:
    """What Azure names when it makes one."""

    client: str
    """What a pod asks tokens for."""
    principal: str
    """What roles are assigned to."""


class Identities:
    """User-assigned identities of one resource group that bear the tags of this installation."""

    def __init__(self, clients: Clients, azure: Azure, installation: str) -> None:
        self._identities = clients.identities.user_assigned_identities
        self._credentials = clients.identities.federated_identity_credentials
        self._azure = azure
        self._installation = installation

    def all(self) -> dict[tuple[str, str], Identity]:
        """Name and workspace's uid → identity, of this installation. One request for about a hundred of them."""
        with translated("userAssignedIdentities.list"):
            listed = list(self._identities.list_by_resource_group(self._azure.resource_group))
        owned = [(each, owner(each.tags or {}, self._installation, "-")) for each in listed]
        return {(str(each.name), uid): _identity(each) for each, uid in owned if uid}

    def find(self, name: str, uid: str) -> Identity | None:
        """None: there is none. IdentityTaken: the name is another's."""
        try:
            with translated("userAssignedIdentities.get"):
                found = self._identities.get(self._azure.resource_group, name)
        except StorageRefused as error:
            if error.status == 404:
                return None
            raise
        if owner(found.tags or {}, self._installation, "-") != uid:
            raise IdentityTaken("managed identity", name)
        return _identity(found)

    def create(self, name: str, tags: Mapping[str, str]) -> Identity:
        """With its tags from the first moment on."""
        with translated("userAssignedIdentities.createOrUpdate"):
            made = self._identities.create_or_update(
                self._azure.resource_group, name, Body(location=self._azure.location, tags=dict(tags))
            )
        return _identity(made)

    def federate(self, name: str, wanted: Federation) -> int:
        """Lets exactly that account become the identity; gives the number of writes."""
        found = until_known(lambda: self._federations(name), _NOT_YET)
        writes = self._drop(name, [other for other in found if other != CREDENTIAL])
        if found.get(CREDENTIAL) == wanted:
            return writes
        body = FederatedIdentityCredential(
            issuer=wanted.issuer, subject=wanted.subject, audiences=list(wanted.audiences)
        )

        def write() -> None:
            with translated("federatedIdentityCredentials.createOrUpdate"):
                self._credentials.create_or_update(self._azure.resource_group, name, CREDENTIAL, body)

        until_known(write, _NOT_YET)
        return writes + 1

    def unbind(self, name: str) -> int:
        """Nobody may become the identity any more; gives the number of writes. Absent is fine."""
        try:
            return self._drop(name, list(self._federations(name)))
        except StorageRefused as error:
            if error.status == 404:
                return 0
            raise

    def remove(self, name: str) -> None:
        """Absent is fine."""
        try:
            with translated("userAssignedIdentities.delete"):
                self._identities.delete(self._azure.resource_group, name)
        except StorageRefused as error:
            if error.status != 404:
                raise

    def _federations(self, name: str) -> dict[str, Federation]:
        with translated("federatedIdentityCredentials.list"):
            listed = list(self._credentials.list(self._azure.resource_group, name))
        return {each.name: Federation(each.issuer, each.subject, tuple(each.audiences)) for each in listed}

    def _drop(self, name: str, credentials: list[str]) -> int:
        for credential in credentials:
            with translated("federatedIdentityCredentials.delete"):
                self._credentials.delete(self._azure.resource_group, name, credential)
        return len(credentials)


def _identity(found: Any) -> Identity:
    return Identity(client=str(found.client_id), principal=str(found.principal_id))
