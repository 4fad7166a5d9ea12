"""Who may do what on Azure: built-in roles by name, and their assignments."""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi_azure_native import authorization

from infra.clusters.azure.site import Site

ROLES = {
    "AcrPull": "7f951dda-4ed3-4680-a7ca-43fe172d538d",
    "AcrPush": "8311e382-0749-4cb8-b61a-304f252e45ec",
    "Azure Kubernetes Service RBAC Cluster Admin": "b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b",
    "Key Vault Contributor": "f25e0fa2-a7c8-4377-a976-54943a77a395",
    "Key Vault Crypto Service Encryption User": "e147488a-f6f5-4113-8e2d-b22465e65bf6",
    "Key Vault Crypto User": "12338af0-0e69-4776-bea7-57ae8d297424",
    "Managed Identity Operator": "f1a07417-d97a-45cb-824c-7a7467783830",
    "Network Contributor": "4d97b98b-1d4f-4787-a291-c67834d212e7",
    "Reader": "acdd72a7-3385-48ef-bd42-f606fba81ae7",
    "Storage Blob Data Contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
}
"""Azure's built-in roles have the same GUID everywhere."""


def definition(subscription: str, guid: str) -> str:
    """Id of a role definition as assignments name it."""
    return f"/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{guid}"


def assign(
    site: Site,
    name: str,
    role: str,
    *,
    principal: pulumi.Input[str],
    scope: pulumi.Input[str],
    parent: pulumi.Resource,
    kind: str | None = "ServicePrincipal",
    guid: pulumi.Input[str] | None = None,
    **more: Any,
) -> authorization.RoleAssignment:
    """`role` is a name of ROLES or a definition's id. The assignment's GUID comes from `name`, so that a run that died
    between Azure and the state makes no second one. `kind` None lets Azure look up whether it is a person."""
    given = definition(site.names.subscription, ROLES[role]) if role in ROLES else role
    return authorization.RoleAssignment(
        name,
        role_assignment_name=guid if guid is not None else site.names.guid("role-assignment", name),
        role_definition_id=given,
        principal_id=principal,
        scope=scope,
        **({"principal_type": kind} if kind else {}),
        **more,
        # Its name stays the same, so the old one has to go first.
        opts=pulumi.ResourceOptions(parent=parent, delete_before_replace=True),
    )


def assign_people(
    site: Site,
    purpose: str,
    role: str,
    *,
    installer: pulumi.Output[str],
    scope: pulumi.Input[str],
    parent: pulumi.Resource,
) -> None:
    """To the groups that the profile names; where it names none, to whoever runs `up` (`installer` is their id)."""
    for group in site.azure.administrators:
        name = f"administrators-{purpose}-{group}"
        assign(site, name, role, principal=group, scope=scope, parent=parent, kind="Group")
    if not site.azure.administrators:
        name = f"installer-{purpose}"
        guid = installer.apply(lambda person: site.names.guid("role-assignment", name, person))
        assign(site, name, role, principal=installer, scope=scope, parent=parent, kind=None, guid=guid)
