"""Identities of the platform's parts, and which service accounts may use them."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
from pulumi_azure_native import authorization, managedidentity

from components.names import CONTROL_PLANE_SERVICE_ACCOUNT, SYSTEM_NAMESPACE, component_namespace
from infra.clusters.azure.groups import Groups
from infra.clusters.azure.roles import ROLES, assign, definition
from infra.clusters.azure.site import Site

PURPOSES = ("cluster", "kubelet", "data", "tracking", "workspaces")
"""cluster: AKS itself. kubelet: pulls images. data: Azure's services open the data's key with it. tracking: the
tracking server's artifacts. workspaces: the control plane, which makes identities and containers."""

ACCOUNTS: Mapping[str, str] = {
    f"{component_namespace('tracking')}/tracking": "tracking",
    f"{SYSTEM_NAMESPACE}/{CONTROL_PLANE_SERVICE_ACCOUNT}": "workspaces",
}
"""Service account as `namespace/name` → purpose of its identity."""

AUDIENCE = "api://AzureADTokenExchange"
CLIENT_ID, TENANT_ID = "azure.workload.identity/client-id", "azure.workload.identity/tenant-id"
POD_LABELS = {"azure.workload.identity/use": "true"}

WORKSPACE_ACTIONS = (
    "Microsoft.Authorization/roleAssignments/delete",
    "Microsoft.Authorization/roleAssignments/read",
    "Microsoft.Authorization/roleAssignments/write",
    "Microsoft.ManagedIdentity/userAssignedIdentities/delete",
    "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/delete",
    "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/read",
    "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write",
    "Microsoft.ManagedIdentity/userAssignedIdentities/read",
    "Microsoft.ManagedIdentity/userAssignedIdentities/write",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Storage/storageAccounts/blobServices/containers/delete",
    "Microsoft.Storage/storageAccounts/blobServices/containers/read",
    "Microsoft.Storage/storageAccounts/blobServices/containers/write",
    "Microsoft.Storage/storageAccounts/read",
)
"""What the control plane does for workspaces. It reads and writes no blob."""


def only_workspaces_data() -> str:
    """Condition of an assignment: the control plane hands out one role alone, to identities alone. Without it, the
    right to assign roles would be the right to everything in the account."""
    role = ROLES["Storage Blob Data Contributor"]
    parts = []
    for action, source in (("write", "Request"), ("delete", "Resource")):
        attribute = f"@{source}[Microsoft.Authorization/roleAssignments"
        parts.append(
            f"((!(ActionMatches{{'Microsoft.Authorization/roleAssignments/{action}'}})) OR "
            f"({attribute}:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {{{role}}} AND "
            f"{attribute}:PrincipalType] ForAnyOfAnyValues:StringEqualsIgnoreCase {{'ServicePrincipal'}}))"
        )
    return " AND ".join(parts)


class Identities(pulumi.ComponentResource):
    """One identity for each purpose; none has a secret."""

    def __init__(self, site: Site, groups: Groups) -> None:
        super().__init__("mlp:azure:Identities", "identities", None, site.options())
        self._site, self._group = site, groups.platform.name
        self.of = {
            purpose: managedidentity.UserAssignedIdentity(
                purpose,
                resource_name_=site.names.identity(purpose),
                resource_group_name=self._group,
                location=site.azure.location,
                tags=site.tags,
                opts=pulumi.ResourceOptions(parent=self),
            )
            for purpose in PURPOSES
        }
        self.register_outputs({purpose: identity.id for purpose, identity in self.of.items()})

    def federate(self, issuer: pulumi.Input[str]) -> None:
        """Lets exactly the service accounts of ACCOUNTS use their identity."""
        for account, purpose in ACCOUNTS.items():
            managedidentity.FederatedIdentityCredential(
                purpose,
                federated_identity_credential_resource_name=purpose,
                resource_name_=self.of[purpose].name,
                resource_group_name=self._group,
                issuer=issuer,
                subject=f"system:serviceaccount:{account.replace('/', ':')}",
                audiences=[AUDIENCE],
                opts=pulumi.ResourceOptions(parent=self),
            )

    def annotations(self) -> pulumi.Output[dict[str, dict[str, str]]]:
        """Service account → annotations that make its pods find their identity."""
        tenant = self._site.azure.tenant
        clients = {account: self.of[purpose].client_id for account, purpose in ACCOUNTS.items()}
        return pulumi.Output.all(**clients).apply(
            lambda found: {account: {CLIENT_ID: client, TENANT_ID: tenant} for account, client in found.items()}
        )

    def grant_workspaces(self, groups: Groups, account: pulumi.Input[str]) -> None:
        """The control plane's rights: on the workspaces' group and on their storage account, nowhere else."""
        names = self._site.names
        guid = names.guid("role-definition", "workspaces")
        role = authorization.RoleDefinition(
            "workspaces",
            role_definition_id=guid,
            role_name=f"{names.cluster} workspaces",
            description=f"What the control plane of installation {names.installation} does for workspaces",
            role_type="CustomRole",
            scope=groups.platform.id,
            assignable_scopes=[groups.platform.id, groups.workspaces.id],
            permissions=[
                authorization.PermissionArgs(
                    actions=list(WORKSPACE_ACTIONS), not_actions=[], data_actions=[], not_data_actions=[]
                )
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )
        principal = self.of["workspaces"].principal_id
        known = role.id.apply(lambda _: definition(names.subscription, guid))
        for name, scope in (("workspaces-identities", groups.workspaces.id), ("workspaces-containers", account)):
            assign(
                self._site,
                name,
                known,
                principal=principal,
                scope=scope,
                parent=self,
                condition=only_workspaces_data(),
                condition_version="2.0",
            )
