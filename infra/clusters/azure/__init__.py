"""AKS and what the platform needs beside it, in resource groups of its own, as a Pulumi program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.profile.model import Profile

if TYPE_CHECKING:
    from infra.clusters.azure.stack import AzureCluster


def program(profile: Profile) -> AzureCluster:
    """The stack `cluster`. Raises ClusterError for what a profile may not combine on Azure; needs Azure's SDK."""
    from infra.clusters.azure.shape import check
    from infra.clusters.azure.stack import AzureCluster

    check(profile)
    return AzureCluster(profile)
