"""StorageClass objects of GCP's disks. Pure."""

from __future__ import annotations

from typing import Any

from infra.clusters.gcp.names import labels
from infra.profile.model import Profile

STORAGE_CLASS = "mlp-disk"

_DEFAULT = {"storageclass.kubernetes.io/is-default-class": "true"}
"""GKE has a default class of its own, without key and labels; the newer one of two counts."""


def storage_classes(profile: Profile, key: str) -> tuple[dict[str, Any], ...]:
    """One class: balanced disks, made in the zone of the pod that asks for them. `key`: resource name of the Cloud KMS
    key that encrypts them. Disks bear the installation's labels, so that what a deleted cluster leaves is found."""
    return (
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {"name": STORAGE_CLASS, "annotations": dict(_DEFAULT)},
            "provisioner": "pd.csi.storage.gke.io",
            "parameters": {
                "type": "pd-balanced",
                "disk-encryption-kms-key": key,
                "labels": ",".join(f"{name}={value}" for name, value in sorted(labels(profile).items())),
            },
            "reclaimPolicy": "Delete",
            "volumeBindingMode": "WaitForFirstConsumer",
            "allowVolumeExpansion": True,
        },
    )
