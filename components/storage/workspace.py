"""What a workspace gets to know of the storage. Its bucket and its keys come from the control plane as a Secret."""

from __future__ import annotations

from components.contract import KubernetesObject, Workspace
from components.facts import PlatformFacts
from components.storage import clouds
from components.storage.clouds import CONFIG_MAP


def workspace_objects(workspace: Workspace, facts: PlatformFacts) -> tuple[KubernetesObject, ...]:
    """Environment for the storage's clients: where and which region; on a cloud, the way there as well."""
    if facts.storage is None:
        return clouds.workspace_objects(workspace, facts)
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
