"""Rules for the types of Google Cloud."""

from __future__ import annotations

from infra.clusters.policies.model import FALSE, NOT_TRUE, PRESENT, TRUE, Must, one_of
from infra.clusters.policies.open import no_open_range

_BUCKET = "gcp:storage/bucket:Bucket"
_DATABASE = "gcp:sql/databaseInstance:DatabaseInstance"
_CLUSTER = "gcp:container/cluster:Cluster"
_POOL = "gcp:container/nodePool:NodePool"

MUST: tuple[Must, ...] = (
    # Nothing is open to everybody.
    Must("public", _CLUSTER, "privateClusterConfig.enablePrivateNodes", TRUE),
    Must(
        "public",
        _CLUSTER,
        "masterAuthorizedNetworksConfig",
        PRESENT,
        lambda properties: properties.get("privateClusterConfig", {}).get("enablePrivateEndpoint") is not True,
    ),
    Must("public", _CLUSTER, "masterAuthorizedNetworksConfig.cidrBlocks[].cidrBlock", no_open_range),
    Must("public", _POOL, "networkConfig.enablePrivateNodes", one_of(None, True)),
    Must("public", _DATABASE, "settings.ipConfiguration.ipv4Enabled", FALSE),
    Must("public", _DATABASE, "settings.ipConfiguration.authorizedNetworks[].value", no_open_range),
    Must("public", _BUCKET, "publicAccessPrevention", one_of("enforced")),
    Must("public", _BUCKET, "uniformBucketLevelAccess", TRUE),
    Must(
        "public",
        "gcp:compute/firewall:Firewall",
        "sourceRanges",
        no_open_range,
        lambda properties: properties.get("direction", "INGRESS") == "INGRESS" and bool(properties.get("allows")),
    ),
    # Encrypted at rest, and on the way where the service would take clear text.
    Must("encrypted", _CLUSTER, "databaseEncryption.state", one_of("ENCRYPTED")),
    Must("encrypted", _CLUSTER, "databaseEncryption.keyName", PRESENT),
    Must("encrypted", _POOL, "nodeConfig.bootDiskKmsKey", PRESENT),
    Must("encrypted", _DATABASE, "encryptionKeyName", PRESENT),
    Must(
        "encrypted",
        _DATABASE,
        "settings.ipConfiguration.sslMode",
        one_of("ENCRYPTED_ONLY", "TRUSTED_CLIENT_CERTIFICATE_REQUIRED"),
    ),
    Must("encrypted", _BUCKET, "encryption.defaultKmsKeyName", PRESENT),
    Must("encrypted", "gcp:artifactregistry/repository:Repository", "kmsKeyName", PRESENT),
    Must("encrypted", "gcp:compute/disk:Disk", "diskEncryptionKey.kmsKeySelfLink", PRESENT),
    Must("encrypted", "gcp:filestore/instance:Instance", "kmsKeyName", PRESENT),
    Must("encrypted", "gcp:kms/cryptoKey:CryptoKey", "rotationPeriod", PRESENT),
    # Data stays.
    Must("protected", _DATABASE, "deletionProtection", TRUE),
    Must("protected", _DATABASE, "settings.deletionProtectionEnabled", TRUE),
    Must("protected", _DATABASE, "settings.backupConfiguration.enabled", TRUE),
    Must("protected", _CLUSTER, "deletionProtection", TRUE),
    Must("protected", _BUCKET, "forceDestroy", NOT_TRUE),
    Must("protected", _BUCKET, "versioning.enabled", TRUE),
)

DATA = (_BUCKET, _DATABASE, "gcp:kms/cryptoKey:CryptoKey")
"""Types that the engine must protect while data is to be kept."""

ELSEWHERE = {
    "gcp:compute/router:Router": "its key is for interconnects",
}
"""Types that take a key and need no rule, and why."""
