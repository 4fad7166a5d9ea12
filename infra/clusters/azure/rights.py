"""What the installer may do on Azure, action by action, from the types of what it declares. Pure.

Actions are named one by one: a role with a wildcard grows whenever Azure does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from infra.clusters.azure.names import azure_of, names
from infra.engine.declared import Declaration
from infra.profile.model import Profile


@dataclass(frozen=True)
class Rights:
    """Actions that one resource type takes."""

    create: tuple[str, ...]
    read: tuple[str, ...]
    update: tuple[str, ...]
    delete: tuple[str, ...]

    @property
    def all(self) -> frozenset[str]:
        return frozenset((*self.create, *self.read, *self.update, *self.delete))


def _plain(kind: str, *use: str, read: tuple[str, ...] = ()) -> Rights:
    """Create and update are the same request on Azure. `use` comes with both, `read` with reading."""
    write = (f"{kind}/write", f"{kind}/read", *use)
    return Rights(write, (f"{kind}/read", *read), write, (f"{kind}/delete", f"{kind}/read"))


_NETWORK = "Microsoft.Network"
_VAULT = "Microsoft.KeyVault/vaults"
_STORAGE = "Microsoft.Storage/storageAccounts"
_IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities"
_USE_IDENTITY = f"{_IDENTITY}/assign/action"
_JOIN_SUBNET = f"{_NETWORK}/virtualNetworks/subnets/join/action"
_CLUSTER = "Microsoft.ContainerService/managedClusters"

RIGHTS: Mapping[str, Rights] = {
    "azure-native:authorization:ManagementLockByScope": _plain("Microsoft.Authorization/locks"),
    "azure-native:authorization:RoleAssignment": _plain("Microsoft.Authorization/roleAssignments"),
    "azure-native:authorization:RoleDefinition": _plain("Microsoft.Authorization/roleDefinitions"),
    "azure-native:compute:DiskEncryptionSet": _plain(
        "Microsoft.Compute/diskEncryptionSets", _USE_IDENTITY, f"{_VAULT}/read", f"{_VAULT}/keys/read"
    ),
    "azure-native:containerregistry:Registry": _plain(
        "Microsoft.ContainerRegistry/registries",
        read=("Microsoft.ContainerRegistry/registries/operationStatuses/read",),
    ),
    "azure-native:containerservice:AgentPool": _plain(f"{_CLUSTER}/agentPools", _JOIN_SUBNET),
    "azure-native:containerservice:ManagedCluster": _plain(
        _CLUSTER,
        _JOIN_SUBNET,
        _USE_IDENTITY,
        "Microsoft.Compute/diskEncryptionSets/read",
        read=(
            f"{_CLUSTER}/listClusterUserCredential/action",
            "Microsoft.ContainerService/locations/operationresults/read",
            "Microsoft.ContainerService/locations/operations/read",
        ),
    ),
    "azure-native:dbforpostgresql:Server": _plain(
        "Microsoft.DBforPostgreSQL/flexibleServers",
        _JOIN_SUBNET,
        _USE_IDENTITY,
        f"{_NETWORK}/privateDnsZones/join/action",
        read=(
            "Microsoft.DBforPostgreSQL/locations/azureAsyncOperation/read",
            "Microsoft.DBforPostgreSQL/locations/operationResults/read",
        ),
    ),
    "azure-native:dns:RecordSet": _plain(f"{_NETWORK}/dnsZones/A"),
    "azure-native:dns:Zone": _plain(f"{_NETWORK}/dnsZones"),
    "azure-native:keyvault:Key": Rights(
        # Keys go with their vault; what protects data from that is the vault's soft delete.
        (f"{_VAULT}/keys/write", f"{_VAULT}/keys/read"),
        (f"{_VAULT}/keys/read",),
        (f"{_VAULT}/keys/write", f"{_VAULT}/keys/read"),
        (f"{_VAULT}/keys/read",),
    ),
    "azure-native:keyvault:Vault": _plain(_VAULT, read=("Microsoft.KeyVault/locations/deletedVaults/read",)),
    "azure-native:managedidentity:FederatedIdentityCredential": _plain(f"{_IDENTITY}/federatedIdentityCredentials"),
    "azure-native:managedidentity:UserAssignedIdentity": _plain(_IDENTITY),
    "azure-native:network:NatGateway": _plain(f"{_NETWORK}/natGateways", f"{_NETWORK}/publicIPAddresses/join/action"),
    "azure-native:network:NetworkSecurityGroup": _plain(f"{_NETWORK}/networkSecurityGroups"),
    "azure-native:network:PrivateDnsZoneGroup": _plain(
        f"{_NETWORK}/privateEndpoints/privateDnsZoneGroups", f"{_NETWORK}/privateDnsZones/join/action"
    ),
    "azure-native:network:PrivateEndpoint": _plain(
        f"{_NETWORK}/privateEndpoints",
        _JOIN_SUBNET,
        f"{_STORAGE}/privateEndpointConnectionsApproval/action",
        "Microsoft.ContainerRegistry/registries/privateEndpointConnectionsApproval/action",
    ),
    "azure-native:network:PublicIPAddress": _plain(f"{_NETWORK}/publicIPAddresses"),
    "azure-native:network:Subnet": _plain(
        f"{_NETWORK}/virtualNetworks/subnets",
        f"{_NETWORK}/natGateways/join/action",
        f"{_NETWORK}/networkSecurityGroups/join/action",
    ),
    "azure-native:network:VirtualNetwork": _plain(
        f"{_NETWORK}/virtualNetworks",
        # How far any change of the network has come.
        read=(f"{_NETWORK}/locations/operationResults/read", f"{_NETWORK}/locations/operations/read"),
    ),
    "azure-native:privatedns:PrivateZone": _plain(f"{_NETWORK}/privateDnsZones"),
    "azure-native:privatedns:VirtualNetworkLink": _plain(
        f"{_NETWORK}/privateDnsZones/virtualNetworkLinks", f"{_NETWORK}/virtualNetworks/join/action"
    ),
    "azure-native:resources:ResourceGroup": _plain("Microsoft.Resources/subscriptions/resourceGroups"),
    "azure-native:storage:BlobContainer": _plain(f"{_STORAGE}/blobServices/containers"),
    # Azure makes and deletes them with the account.
    "azure-native:storage:BlobServiceProperties": Rights(
        (f"{_STORAGE}/blobServices/write", f"{_STORAGE}/blobServices/read"),
        (f"{_STORAGE}/blobServices/read",),
        (f"{_STORAGE}/blobServices/write", f"{_STORAGE}/blobServices/read"),
        (f"{_STORAGE}/blobServices/read",),
    ),
    "azure-native:storage:StorageAccount": _plain(_STORAGE, _USE_IDENTITY, read=(f"{_STORAGE}/listKeys/action",)),
}
"""Type token → actions."""

ASKING = (
    "Microsoft.Authorization/permissions/read",
    "Microsoft.Compute/locations/usages/read",
    "Microsoft.Compute/skus/read",
    "Microsoft.ContainerRegistry/checkNameAvailability/read",
    "Microsoft.ContainerService/locations/kubernetesVersions/read",
    "Microsoft.DBforPostgreSQL/checkNameAvailability/action",
    "Microsoft.DBforPostgreSQL/locations/capabilities/read",
    "Microsoft.KeyVault/checkNameAvailability/read",
    "Microsoft.Network/locations/usages/read",
    "Microsoft.ResourceGraph/resources/read",
    "Microsoft.Resources/subscriptions/providers/read",
    "Microsoft.Resources/subscriptions/read",
    "Microsoft.Storage/checkNameAvailability/read",
)
"""What preflight and the look for leftovers ask of a subscription."""

EXTRA: Mapping[str, tuple[str, ...]] = {"azure-native:dns:Zone": ("azure-native:dns:RecordSet",)}
"""Type → types that another stack puts into it."""


def actions(declaration: Declaration) -> tuple[str, ...]:
    """All that installing, changing and removing takes, sorted. Raises LookupError for a type without rights here."""
    kinds = {each.kind for each in declaration.resources if each.custom and each.kind.startswith("azure-native:")}
    kinds |= {more for kind in kinds for more in EXTRA.get(kind, ())}
    unknown = sorted(kinds - set(RIGHTS))
    if unknown:
        raise LookupError(f"infra/clusters/azure/rights.py does not say what {unknown[0]} takes")
    return tuple(sorted({*ASKING, *(action for kind in kinds for action in RIGHTS[kind].all)}))


def all_actions() -> tuple[str, ...]:
    """Those of every type that the program may declare, sorted."""
    return tuple(sorted({*ASKING, *(action for rights in RIGHTS.values() for action in rights.all)}))


def policy(declaration: Declaration, profile: Profile) -> dict[str, str]:
    """File name → text: the installer's role for `az role definition create`, and the condition for its assignment,
    without which whoever may assign roles may assign any."""
    subscription = azure_of(profile).subscription
    role = {
        "Name": f"mlp installer of {names(profile).installation}",
        "IsCustom": True,
        "Description": "Installs, changes and removes one platform; made from what its program declares",
        "Actions": list(actions(declaration)),
        "NotActions": [],
        "DataActions": [],
        "NotDataActions": [],
        "AssignableScopes": [f"/subscriptions/{subscription}"],
    }
    return {
        "azure-installer-role.json": json.dumps(role, indent=2) + "\n",
        "azure-installer-condition.txt": condition(declaration) + "\n",
    }


def condition(declaration: Declaration) -> str:
    """Only the roles that the program assigns."""
    made = {each.properties["roleDefinitionId"] for each in declaration.of("azure-native:authorization:RoleDefinition")}
    guids = {
        str(each.properties["roleDefinitionId"]).rpartition("/")[2]
        for each in declaration.of("azure-native:authorization:RoleAssignment")
    }
    listed = ", ".join(sorted(guids | made))
    parts = []
    for action, source in (("write", "Request"), ("delete", "Resource")):
        attribute = f"@{source}[Microsoft.Authorization/roleAssignments:RoleDefinitionId]"
        parts.append(
            f"((!(ActionMatches{{'Microsoft.Authorization/roleAssignments/{action}'}})) OR "
            f"({attribute} ForAnyOfAnyValues:GuidEquals {{{listed}}}))"
        )
    return " AND ".join(parts)
