"""Who may do what with a workspace's container on Azure, and who may become its identity. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from components.facts import Azure
from controlplane.clouds.names import subject
from controlplane.reconcile.model import WorkspaceSpec

ROLE = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
"""Storage Blob Data Contributor: the one role that the control plane may hand out."""
AUDIENCE = "api://AzureADTokenExchange"
SERVICE_PRINCIPAL = "ServicePrincipal"
_NAMESPACE = uuid.UUID("b7d5a0f7-3a5c-5b0e-8f0e-6d0f5f9c2f6e")
"""Of the names of role assignments, which Azure wants to be GUIDs."""


@dataclass(frozen=True)
class Federation:
    """Whose token is taken for the identity's."""

    issuer: str
    subject: str
    audiences: tuple[str, ...]


@dataclass(frozen=True)
class Assignment:
    """One role assignment as Azure gives it."""

    id: str
    scope: str
    role: str
    """Id of the role's definition; its last part is the role's GUID."""
    principal: str
    kind: str


def federation(azure: Azure, spec: WorkspaceSpec) -> Federation:
    """Exactly one service account of exactly one cluster."""
    return Federation(azure.oidc_issuer, subject(spec), (AUDIENCE,))


def container_scope(azure: Azure, container: str) -> str:
    """Resource id of a container: the scope of everything that is granted."""
    group = azure.storage_group or azure.resource_group
    return (
        f"/subscriptions/{azure.subscription}/resourceGroups/{group}/providers/Microsoft.Storage/"
        f"storageAccounts/{azure.storage_account}/blobServices/default/containers/{container}"
    )


def role_definition(azure: Azure) -> str:
    """ROLE as assignments name it."""
    return f"/subscriptions/{azure.subscription}/providers/Microsoft.Authorization/roleDefinitions/{ROLE}"


def assignment_name(scope: str, principal: str) -> str:
    """The same for the same grant, so that a retry meets the first one."""
    return str(uuid.uuid5(_NAMESPACE, f"{scope.lower()}/{principal.lower()}/{ROLE}"))


def is_wanted(found: Assignment, scope: str, principal: str | None) -> bool:
    """Whether it is the grant of ROLE on the container to this principal."""
    return _of_container(found, scope) and principal is not None and found.principal.lower() == principal.lower()


def surplus(found: Iterable[Assignment], scope: str, principal: str | None) -> tuple[Assignment, ...]:
    """Grants of ROLE on the container itself to other identities: those of deleted ones, and other workspaces'.

    What people and groups were given stays, and so does what lies above the container.
    """
    return tuple(a for a in found if _of_container(a, scope) and not is_wanted(a, scope, principal))


def _of_container(found: Assignment, scope: str) -> bool:
    role = found.role.rpartition("/")[2].lower()
    return found.scope.lower() == scope.lower() and role == ROLE and found.kind == SERVICE_PRINCIPAL
