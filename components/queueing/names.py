"""Names that others find queues by."""

from __future__ import annotations

from components.names import component_namespace

NAME = "queueing"
USER = f"system:serviceaccount:{component_namespace(NAME)}:{NAME}"
"""Kueue at the API server."""
GROUP = "kueue.x-k8s.io"
VERSION = "v1beta2"
"""The version that Kueue itself works with. The older one that it brings as well would be what is stored: then every
request needed its conversion webhook, and nothing could be read while Kueue is away."""
API_VERSION = f"{GROUP}/{VERSION}"
COHORT = "mlp"
FLAVOR = "mlp-default"
LOCAL_QUEUE = "default"
"""The one queue of a workspace. Kueue puts jobs that name none into the queue of this name."""
QUEUE_LABEL = f"{GROUP}/queue-name"
PRIORITIES = {"mlp-low": 100, "mlp-normal": 1000, "mlp-high": 10_000}
"""WorkloadPriorityClasses, which decide the order in a tenant's queue and never displace anybody's pods."""


def cluster_queue(tenant: str) -> str:
    """Name of a tenant's ClusterQueue."""
    return f"tenant-{tenant}"
