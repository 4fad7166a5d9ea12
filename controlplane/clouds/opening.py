"""Which cloud's storage an installation has. Imports the SDK of that one alone: the others are not in its image."""

from __future__ import annotations

from components.facts import Aws, Cloud, Gcp
from controlplane.reconcile.model import WorkspaceStorage


def open_cloud(cloud: Cloud, installation: str) -> WorkspaceStorage:
    """With the identity of the pod that asks. Nothing is asked yet."""
    if isinstance(cloud, Aws):
        from controlplane.clouds.aws.service import AwsStorage

        return AwsStorage(cloud, installation)
    if isinstance(cloud, Gcp):
        from controlplane.clouds.gcp.service import GcpStorage

        return GcpStorage(cloud, installation)
    from controlplane.clouds.azure.service import AzureStorage

    return AzureStorage(cloud, installation)
