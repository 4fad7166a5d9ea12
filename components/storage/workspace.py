"""What a workspace gets to know of the storage. Its bucket and its keys come from the control plane as a Secret."""

from __future__ import annotations

from components.contract import KubernetesObject, Workspace
from components.facts import PlatformFacts

CONFIG_MAP = "storage"


def workspace_objects(workspace: Workspace, facts: PlatformFacts) -> tuple[KubernetesObject, ...]:
    """Environment for S3 clients: where and which region. Nothing without a storage inside the cluster."""
    if facts.storage is None:
        return ()
    return (
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": CONFIG_MAP, "namespace": workspace.namespace},
            "data": {
                "AWS_ENDPOINT_URL_S3": facts.storage.url,
                "AWS_DEFAULT_REGION": facts.storage_region,
            },
        },
    )
