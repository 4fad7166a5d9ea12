"""Rules for the types of Azure."""

from __future__ import annotations

from infra.clusters.policies.model import FALSE, PRESENT, TRUE, Check, Must, at_least, one_of
from infra.clusters.policies.open import closed_ranges, no_open_rule

_ACCOUNT = "azure-native:storage:StorageAccount"
_DATABASE = "azure-native:dbforpostgresql:Server"
_CLUSTER = "azure-native:containerservice:ManagedCluster"
_REGISTRY = "azure-native:containerregistry:Registry"
_VAULT = "azure-native:keyvault:Vault"
_GROUP = "azure-native:network:NetworkSecurityGroup"

_disabled = Check(lambda value: str(value).lower() == "disabled", "must be 'Disabled'")
_enabled = Check(lambda value: str(value).lower() == "enabled", "must be 'Enabled'")

MUST: tuple[Must, ...] = (
    # Nothing is open to everybody.
    Must("public", _ACCOUNT, "allowBlobPublicAccess", FALSE),
    Must("public", _ACCOUNT, "publicNetworkAccess", _disabled),
    Must("public", _ACCOUNT, "allowSharedKeyAccess", FALSE),
    Must("public", "azure-native:storage:BlobContainer", "publicAccess", one_of(None, "None")),
    Must("public", _DATABASE, "network.publicNetworkAccess", one_of(None, "Disabled")),
    Must("public", _DATABASE, "network.delegatedSubnetResourceId", PRESENT),
    Must(
        "public",
        _CLUSTER,
        "apiServerAccessProfile.authorizedIPRanges",
        closed_ranges,
        lambda properties: (properties.get("apiServerAccessProfile") or {}).get("enablePrivateCluster") is not True,
    ),
    Must("public", _CLUSTER, "disableLocalAccounts", TRUE),
    Must("public", _CLUSTER, "agentPoolProfiles[].enableNodePublicIP", one_of(None, False)),
    Must("public", "azure-native:containerservice:AgentPool", "enableNodePublicIP", one_of(None, False)),
    Must("public", _REGISTRY, "adminUserEnabled", FALSE),
    Must("public", _REGISTRY, "anonymousPullEnabled", one_of(None, False)),
    Must("public", _VAULT, "properties.publicNetworkAccess", _disabled),
    Must("public", _GROUP, "securityRules[]", no_open_rule),
    # Encrypted at rest, and on the way where the service would take clear text.
    Must("encrypted", _ACCOUNT, "enableHttpsTrafficOnly", one_of(None, True)),
    Must("encrypted", _ACCOUNT, "minimumTlsVersion", one_of("TLS1_2", "TLS1_3")),
    Must("encrypted", _ACCOUNT, "encryption.keySource", one_of("Microsoft.Keyvault")),
    Must("encrypted", _DATABASE, "dataEncryption.type", one_of("AzureKeyVault")),
    Must("encrypted", _CLUSTER, "diskEncryptionSetID", PRESENT),
    Must(
        "encrypted",
        "azure-native:compute:DiskEncryptionSet",
        "encryptionType",
        one_of("EncryptionAtRestWithCustomerKey", "EncryptionAtRestWithPlatformAndCustomerKeys"),
    ),
    Must("encrypted", _CLUSTER, "securityProfile.azureKeyVaultKms.enabled", TRUE),
    # Data stays.
    Must("protected", _VAULT, "properties.enablePurgeProtection", TRUE),
    Must("protected", _VAULT, "properties.enableSoftDelete", TRUE),
    Must("protected", _DATABASE, "backup.backupRetentionDays", at_least(7)),
    Must("protected", "azure-native:storage:BlobServiceProperties", "isVersioningEnabled", TRUE),
    Must("protected", "azure-native:storage:BlobServiceProperties", "deleteRetentionPolicy.enabled", TRUE),
)

DATA = (_ACCOUNT, _DATABASE, _VAULT, "azure-native:keyvault:Key")
"""Types that the engine must protect while data is to be kept."""

ELSEWHERE = {
    "azure-native:containerregistry:Registry": "always encrypted; holds images that can be made again",
    "azure-native:containerservice:AgentPool": "its disks are encrypted by the cluster's disk encryption set",
    "azure-native:network:VirtualNetwork": "what goes over it is TLS",
    "azure-native:storage:BlobContainer": "encrypted as its account says",
}
"""Types that take a key and need no rule, and why."""
