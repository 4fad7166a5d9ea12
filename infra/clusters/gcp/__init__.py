"""GKE and what the platform needs beside it, in one project, as a Pulumi program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.profile.model import Profile

if TYPE_CHECKING:
    from infra.clusters.gcp.stack import GcpCluster


def program(profile: Profile) -> GcpCluster:
    """The stack `cluster`. Raises ClusterError for what a profile may not combine on GCP; needs GCP's SDK."""
    from infra.clusters.gcp.shape import shape
    from infra.clusters.gcp.stack import GcpCluster

    shape(profile)
    return GcpCluster(profile)
