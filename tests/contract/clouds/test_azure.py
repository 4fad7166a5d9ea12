"""What the program on Azure declares, whole resources where safety hangs on them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

from infra.clusters.azure.address import program as address_program
from infra.clusters.azure.identity import WORKSPACE_ACTIONS, only_workspaces_data
from infra.clusters.azure.names import names
from infra.clusters.azure.offline import answers
from infra.clusters.azure.rights import RIGHTS, actions, condition
from infra.clusters.azure.roles import ROLES
from infra.clusters.policies import judge
from infra.clusters.programs import cluster_program
from infra.engine.declared import Declaration, Declared, declare
from infra.profile.load import load
from infra.profile.model import Profile

pytestmark = pytest.mark.contract

SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/mlp-azure"
SUBNETS = "/providers/Microsoft.Network/virtualNetworks/mlp-azure/subnets"
TAGS = {"mlp-installation": "azure", "managed-by": "mlp"}
PUBLIC = ("azure.size=large", "azure.endpoint=public", "azure.allowed_cidrs=[203.0.113.0/24]")
FREE = (
    "azure.deletion_protection=false",
    "azure.zones=1",
    "azure.administrators=[11111111-1111-1111-1111-111111111111]",
)


def profile(*given: str) -> Profile:
    return load("azure", given)


@cache
def declared(*given: str) -> Declaration:
    chosen = profile(*given)
    return declare(cluster_program(chosen), answers(chosen))


def one(kind: str, name: str, *given: str) -> Mapping[str, Any]:
    return declared(*given).one(f"azure-native:{kind}", name).properties


def assignments(*given: str) -> dict[str, Declared]:
    return {each.name: each for each in declared(*given).of("azure-native:authorization:RoleAssignment")}


def test_a_storage_account_takes_no_key_and_no_stranger() -> None:
    made = names(profile())
    found = one("storage:StorageAccount", "artifacts")
    identity = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/mlp-azure-data"
    assert found == {
        "accountName": made.artifacts_account,
        "resourceGroupName": "mlp-azure",
        "location": "westeurope",
        "kind": "StorageV2",
        "sku": {"name": "Standard_ZRS"},
        "accessTier": "Hot",
        "allowBlobPublicAccess": False,
        "allowCrossTenantReplication": False,
        "allowSharedKeyAccess": False,
        "defaultToOAuthAuthentication": True,
        "enableHttpsTrafficOnly": True,
        "isLocalUserEnabled": False,
        "isSftpEnabled": False,
        "minimumTlsVersion": "TLS1_2",
        "publicNetworkAccess": "Disabled",
        "networkRuleSet": {"defaultAction": "Deny", "bypass": "None"},
        "identity": {"type": "UserAssigned", "userAssignedIdentities": [identity]},
        "encryption": {
            "keySource": "Microsoft.Keyvault",
            "keyVaultProperties": {"keyName": "data", "keyVaultUri": f"https://{made.vault}.vault.azure.net/"},
            "encryptionIdentity": {"encryptionUserAssignedIdentity": identity},
            "requireInfrastructureEncryption": True,
            "services": {
                "blob": {"enabled": True, "keyType": "Account"},
                "file": {"enabled": True, "keyType": "Account"},
            },
        },
        "tags": TAGS,
    }
    other = {**one("storage:StorageAccount", "workspaces"), "accountName": made.artifacts_account}
    assert other == found


def test_the_database_is_inside_and_its_password_a_secret() -> None:
    found = declared("azure.size=medium").one("azure-native:dbforpostgresql:Server", "database")
    made = names(profile())
    assert found.secrets == ("administratorLoginPassword",)
    assert found.protect
    properties = dict(found.properties)
    password = properties.pop("administratorLoginPassword")
    assert password == declared("azure.size=medium").exports["databasePassword"]
    key = f"https://{made.vault}.vault.azure.net/keys/data/{'0' * 32}"
    identity = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/mlp-azure-data"
    assert properties == {
        "serverName": made.server,
        "resourceGroupName": "mlp-azure",
        "location": "westeurope",
        "version": "17",
        "createMode": "Default",
        "administratorLogin": "mlpadmin",
        "authConfig": {"activeDirectoryAuth": "Disabled", "passwordAuth": "Enabled", "tenantId": ""},
        "sku": {"name": "Standard_D2ds_v5", "tier": "GeneralPurpose"},
        "storage": {"storageSizeGB": 128, "autoGrow": "Enabled"},
        "availabilityZone": "1",
        "highAvailability": {"mode": "ZoneRedundant", "standbyAvailabilityZone": ""},
        "backup": {"backupRetentionDays": 14, "geoRedundantBackup": "Disabled"},
        "network": {
            "delegatedSubnetResourceId": f"{GROUP}{SUBNETS}/database",
            "privateDnsZoneArmResourceId": f"{GROUP}/providers/Microsoft.Network/privateDnsZones"
            "/azure.private.postgres.database.azure.com",
            "publicNetworkAccess": "Disabled",
        },
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {identity: {}}},
        "dataEncryption": {
            "type": "AzureKeyVault",
            "primaryKeyURI": key,
            "primaryUserAssignedIdentityId": identity,
        },
        "tags": TAGS,
    }


def test_the_cluster_is_private_signed_in_by_entra_and_encrypted() -> None:
    found = one("containerservice:ManagedCluster", "cluster")
    made = names(profile())
    assert found["apiServerAccessProfile"] == {
        "enablePrivateCluster": True,
        "enablePrivateClusterPublicFQDN": False,
        "enableVnetIntegration": True,
        "privateDNSZone": "system",
        "subnetId": f"{GROUP}{SUBNETS}/api",
        "disableRunCommand": True,
    }
    assert found["disableLocalAccounts"] is True
    assert found["enableRBAC"] is True
    assert found["aadProfile"] == {"managed": True, "enableAzureRBAC": True, "tenantID": SUBSCRIPTION}
    assert found["oidcIssuerProfile"] == {"enabled": True}
    assert found["securityProfile"] == {
        "azureKeyVaultKms": {
            "enabled": True,
            "keyId": f"https://{made.vault}.vault.azure.net/keys/etcd/{'0' * 32}",
            "keyVaultNetworkAccess": "Private",
            "keyVaultResourceId": f"{GROUP}/providers/Microsoft.KeyVault/vaults/{made.vault}",
        },
        "imageCleaner": {"enabled": True, "intervalHours": 168},
        "workloadIdentity": {"enabled": True},
    }
    assert found["networkProfile"] == {
        "networkPlugin": "azure",
        "networkPluginMode": "overlay",
        "networkDataplane": "cilium",
        "networkPolicy": "cilium",
        "loadBalancerSku": "standard",
        "outboundType": "userAssignedNATGateway",
        "ipFamilies": ["IPv4"],
        "podCidr": "10.244.0.0/16",
        "serviceCidr": "10.96.0.0/16",
        "dnsServiceIP": "10.96.0.10",
    }
    assert found["diskEncryptionSetID"].endswith("/diskEncryptionSets/mlp-azure-disks")
    assert found["kubernetesVersion"] == "1.36"
    assert declared().exports["network"]["api_server_endpoints"] == ["10.40.160.0/20:443"]


def test_a_public_endpoint_answers_to_the_named_ranges_alone() -> None:
    found = one("containerservice:ManagedCluster", "cluster", *PUBLIC)
    access = found["apiServerAccessProfile"]
    assert access["enablePrivateCluster"] is False
    assert access["authorizedIPRanges"] == ["203.0.113.0/24"]
    registry = one("containerregistry:Registry", "registry", *PUBLIC)
    assert registry["publicNetworkAccess"] == "Enabled"
    assert registry["networkRuleSet"] == {
        "defaultAction": "Deny",
        "ipRules": [{"action": "Allow", "iPAddressOrRange": "203.0.113.0/24"}],
    }
    (rule,) = one("network:NetworkSecurityGroup", "nodes", *PUBLIC)["securityRules"]
    assert (rule["direction"], rule["access"], rule["sourceAddressPrefixes"], rule["destinationPortRange"]) == (
        "Inbound",
        "Allow",
        ["203.0.113.0/24"],
        "443",
    )
    managed = declared(*PUBLIC).exports["managed"]
    assert (managed["load_balancer"], managed["sources"]) == ({}, ["203.0.113.0/24"])


def test_by_default_nothing_comes_in() -> None:
    assert one("network:NetworkSecurityGroup", "nodes")["securityRules"] == []
    assert one("containerregistry:Registry", "registry")["publicNetworkAccess"] == "Disabled"
    assert [each.name for each in declared().of("azure-native:network:PublicIPAddress")] == ["exit"]
    assert declared().exports["managed"]["load_balancer"] == {
        "service.beta.kubernetes.io/azure-load-balancer-internal": "true"
    }


def test_only_nodes_and_the_standby_reach_the_database() -> None:
    allowed, refused = one("network:NetworkSecurityGroup", "database")["securityRules"]
    assert allowed["sourceAddressPrefixes"] == ["10.40.0.0/17", "10.40.128.0/20"]
    assert (refused["access"], refused["sourceAddressPrefix"]) == ("Deny", "VirtualNetwork")
    assert (refused["direction"], refused["protocol"]) == ("Inbound", "*")
    assert allowed["priority"] < refused["priority"]


def test_pools_are_labelled_tainted_and_without_addresses() -> None:
    pools = {each.name: each.properties for each in declared(*PUBLIC).of("azure-native:containerservice:AgentPool")}
    assert sorted(pools) == ["cpu", "gpu", "spot"]
    assert all(pool["enableNodePublicIP"] is False and pool["enableAutoScaling"] for pool in pools.values())
    assert pools["gpu"]["nodeTaints"] == ["nvidia.com/gpu=present:NoSchedule"]
    assert pools["gpu"]["nodeLabels"]["mlp.io/gpu-class"] == "a100"
    assert (pools["spot"]["scaleSetPriority"], pools["spot"]["scaleSetEvictionPolicy"]) == ("Spot", "Delete")
    assert "upgradeSettings" not in pools["spot"]
    (system,) = one("containerservice:ManagedCluster", "cluster", *PUBLIC)["agentPoolProfiles"]
    assert (system["mode"], system["minCount"], system["maxCount"]) == ("System", 3, 9)


def test_every_right_is_on_one_thing() -> None:
    found = assignments()
    roles = {name: each.properties["roleDefinitionId"].rpartition("/")[2] for name, each in found.items()}
    known = {guid: name for name, guid in ROLES.items()}
    made = names(profile())
    own = made.guid("role-definition", "workspaces")
    assert {name: known.get(guid, guid) for name, guid in roles.items()} == {
        "cluster-api": "Network Contributor",
        "cluster-disks": "Reader",
        "cluster-kubelet": "Managed Identity Operator",
        "cluster-nodes": "Network Contributor",
        "cluster-secrets": "Key Vault Crypto User",
        "cluster-vault": "Key Vault Contributor",
        "data-key": "Key Vault Crypto Service Encryption User",
        "installer-admin": "Azure Kubernetes Service RBAC Cluster Admin",
        "installer-push": "AcrPush",
        "kubelet-pull": "AcrPull",
        "tracking-artifacts": "Storage Blob Data Contributor",
        "workspaces-containers": own,
        "workspaces-identities": own,
    }
    scopes = {name: each.properties["scope"] for name, each in found.items()}
    assert scopes["tracking-artifacts"].endswith(
        f"/storageAccounts/{made.artifacts_account}/blobServices/default/containers/artifacts"
    )
    assert scopes["workspaces-containers"].endswith(f"/storageAccounts/{made.workspaces_account}")
    assert scopes["workspaces-identities"] == f"{GROUP}-workspaces"
    assert scopes["cluster-secrets"].endswith(f"/vaults/{made.vault}/keys/etcd")
    assert all("/resourceGroups/" in scope for scope in scopes.values())
    assert [name for name, scope in scopes.items() if scope.endswith("/resourceGroups/mlp-azure")] == []


def test_the_control_plane_hands_out_one_role_only() -> None:
    for name in ("workspaces-containers", "workspaces-identities"):
        properties = assignments()[name].properties
        assert (properties["condition"], properties["conditionVersion"]) == (only_workspaces_data(), "2.0")
    (permission,) = one("authorization:RoleDefinition", "workspaces")["permissions"]
    assert permission["actions"] == list(WORKSPACE_ACTIONS)
    assert permission["dataActions"] == []


def test_exactly_two_service_accounts_have_an_identity() -> None:
    found = {
        each.name: (each.properties["subject"], each.properties["audiences"])
        for each in declared().of("azure-native:managedidentity:FederatedIdentityCredential")
    }
    audiences = ["api://AzureADTokenExchange"]
    assert found == {
        "tracking": ("system:serviceaccount:mlp-tracking:tracking", audiences),
        "workspaces": ("system:serviceaccount:mlp-system:control-plane", audiences),
    }
    issuers = {
        each.properties["issuer"] for each in declared().of("azure-native:managedidentity:FederatedIdentityCredential")
    }
    assert issuers == {declared().exports["managed"]["cloud"]["oidc_issuer"]}


def test_data_is_locked_and_protected_until_the_profile_says_otherwise() -> None:
    locked = {each.properties["scope"] for each in declared().of("azure-native:authorization:ManagementLockByScope")}
    made = names(profile())
    assert {scope.rpartition("/")[2] for scope in locked} == {made.artifacts_account, made.server, made.vault}
    assert declared(*FREE).of("azure-native:authorization:ManagementLockByScope") == ()
    assert [each.name for each in declared(*FREE).resources if each.protect] == []


def test_the_workspaces_account_can_be_emptied_by_the_control_plane() -> None:
    """A lock on it would forbid to delete containers and assignments below."""
    locked = [each.properties["scope"] for each in declared().of("azure-native:authorization:ManagementLockByScope")]
    assert not [scope for scope in locked if names(profile()).workspaces_account in scope]
    assert declared().one("azure-native:storage:StorageAccount", "workspaces").protect


def test_groups_of_the_profile_administer_in_place_of_whoever_installs() -> None:
    found = assignments(*FREE)
    assert [name for name in found if name.startswith("installer-")] == []
    group = "11111111-1111-1111-1111-111111111111"
    for purpose in ("admin", "push"):
        properties = found[f"administrators-{purpose}-{group}"].properties
        assert (properties["principalType"], properties["principalId"]) == ("Group", group)


def test_one_zone_is_one_zone() -> None:
    assert one("storage:StorageAccount", "artifacts", *FREE)["sku"] == {"name": "Standard_LRS"}
    assert one("containerregistry:Registry", "registry", *FREE)["zoneRedundancy"] == "Disabled"
    assert one("network:PublicIPAddress", "exit", *FREE)["zones"] == ["1"]


@pytest.mark.parametrize("given", [(), PUBLIC, FREE])
def test_no_policy_is_broken(given: tuple[str, ...]) -> None:
    keep = given is not FREE
    assert list(map(str, judge(declared(*given), TAGS, keep=keep))) == []


@pytest.mark.parametrize("given", [(), PUBLIC, FREE])
def test_rights_are_complete_and_named_one_by_one(given: tuple[str, ...]) -> None:
    found = actions(declared(*given))
    assert [action for action in found if "*" in action] == []
    kinds = {each.kind for each in declared(*given).resources if each.kind.startswith("azure-native:")}
    assert kinds <= set(RIGHTS)
    text = condition(declared(*given))
    for each in declared(*given).of("azure-native:authorization:RoleAssignment"):
        assert each.properties["roleDefinitionId"].rpartition("/")[2] in text


def test_the_exports_name_nothing_that_is_secret_in_clear() -> None:
    exports = declared().exports
    managed = exports["managed"]
    assert exports["databasePassword"] not in str(managed)
    made = names(profile())
    assert managed["artifacts"] == f"wasbs://artifacts@{made.artifacts_account}.blob.core.windows.net"
    assert managed["database"]["tls"] == "verify-full"
    assert managed["cloud"] == {
        "kind": "azure",
        "subscription": SUBSCRIPTION,
        "tenant": SUBSCRIPTION,
        "location": "westeurope",
        "resource_group": "mlp-azure-workspaces",
        "storage_account": made.workspaces_account,
        "storage_group": "mlp-azure",
        "oidc_issuer": managed["cloud"]["oidc_issuer"],
        "storage_ranges": ["10.40.144.0/20"],
    }


def test_the_domain_leads_to_the_gateway() -> None:
    chosen = profile()
    made = declare(address_program(chosen, "10.40.0.9"), answers(chosen), "address")
    assert made.one("azure-native:dns:RecordSet", "gateway").properties == {
        "relativeRecordSetName": "@",
        "recordType": "A",
        "ttl": 60,
        "aRecords": [{"ipv4Address": "10.40.0.9"}],
        "zoneName": "ml.example.com",
        "resourceGroupName": "mlp-azure",
    }
    servers = made.one("azure-native:dns:RecordSet", "notebooks").properties
    assert (servers["relativeRecordSetName"], servers["zoneName"]) == ("*.notebooks", "ml.example.com")
