"""StorageClass objects of Azure's disks. Pure."""

from __future__ import annotations

from typing import Any

from infra.clusters.azure.names import names, tags
from infra.profile.model import Profile

STORAGE_CLASS = "mlp-disk"


def storage_classes(profile: Profile) -> tuple[dict[str, Any], ...]:
    """One class: SSDs encrypted with the vault's key, made in the zone of the pod that asks for them."""
    known = names(profile)
    return (
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {"name": STORAGE_CLASS},
            "provisioner": "disk.csi.azure.com",
            "parameters": {
                "skuName": "Premium_LRS",
                "diskEncryptionSetID": known.id("Microsoft.Compute/diskEncryptionSets", known.disk_encryption_set),
                "networkAccessPolicy": "DenyAll",
                "publicNetworkAccess": "Disabled",
                "tags": ",".join(f"{key}={value}" for key, value in sorted(tags(profile).items())),
            },
            "reclaimPolicy": "Delete",
            "volumeBindingMode": "WaitForFirstConsumer",
            "allowVolumeExpansion": True,
        },
    )
