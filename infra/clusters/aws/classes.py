"""StorageClasses of EBS and EFS as Kubernetes objects. Pure."""

from __future__ import annotations

from typing import Any

from infra.clusters.aws.scope import TAG, Scope

DISKS = "mlp-gp3"
"""Of volumes that one pod uses; the platform's own class."""
FILES = "mlp-efs"
"""Of volumes that pods on several nodes share."""


def storage_classes(scope: Scope, key: str, file_system: str) -> tuple[dict[str, Any], ...]:
    """`key`: ARN of the key that encrypts disks. `file_system`: EFS's id.

    Disks bear the installation's tag, so that what a deleted cluster leaves behind is found.
    """
    disks = {
        "type": "gp3",
        "encrypted": "true",
        "kmsKeyId": key,
        "csi.storage.k8s.io/fstype": "ext4",
        "tagSpecification_1": f"{TAG}={scope.installation}",
    }
    files = {
        "provisioningMode": "efs-ap",
        "fileSystemId": file_system,
        "directoryPerms": "700",
        "basePath": "/volumes",
        "ensureUniqueDirectory": "true",
    }
    return (
        _class(DISKS, "ebs.csi.aws.com", disks, default=True, allowVolumeExpansion=True)
        | {"volumeBindingMode": "WaitForFirstConsumer"},
        _class(FILES, "efs.csi.aws.com", files, mountOptions=["tls"]) | {"volumeBindingMode": "Immediate"},
    )


def _class(
    name: str, provisioner: str, parameters: dict[str, str], *, default: bool = False, **more: Any
) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name}
    if default:
        metadata["annotations"] = {"storageclass.kubernetes.io/is-default-class": "true"}
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": metadata,
        "provisioner": provisioner,
        "parameters": parameters,
        "reclaimPolicy": "Delete",
        **more,
    }
