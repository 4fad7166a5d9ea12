"""What a cloud runs in place of components of ours: a document that the cluster's program gives to the components."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from components.facts import Cloud


class _Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ManagedDatabase(_Closed):
    """A PostgreSQL server of the cloud, inside the cluster's network."""

    host: str
    port: int = 5432
    administrator: str
    """Role that may make roles and databases."""
    addresses: str
    """CIDR range that the server's addresses come from, for network policies."""
    ca: str = ""
    """PEM of the authority of its certificate; empty where pods trust it anyway."""
    tls: Literal["require", "verify-ca", "verify-full"] = "verify-full"
    """How much of the server's certificate clients check (libpq's sslmode); in clear nobody is served."""


class ScaledPool(_Closed):
    """A pool that grows beyond the nodes that are always there, and shrinks again."""

    name: str
    purpose: Literal["system", "cpu", "gpu"]
    machine: str
    cpus: int
    """Processors of one node; 0 where nobody knows."""
    most: int
    """Nodes at most, those that are always there not counted."""
    spot: bool
    disk_gib: int
    labels: dict[str, str]
    taints: dict[str, str]
    """Key → value; pods that do not tolerate them stay off."""


class Scaling(_Closed):
    """What the component `autoscaling` needs to make nodes, where the cloud does not scale pools itself."""

    cluster: str
    endpoint: str
    """URL of the API server."""
    instance_profile: str
    """Name of what gives nodes their role."""
    queue: str
    """Name of the queue that tells which machines the cloud is about to take back."""
    subnets: tuple[str, ...]
    security_group: str
    tags: dict[str, str]
    """Of everything that is made for a node."""
    pools: tuple[ScaledPool, ...]


class Managed(_Closed):
    """What a cloud gives in place of components of ours."""

    cloud: Cloud
    database: ManagedDatabase
    artifacts: str
    """URL of the tracking server's bucket, such as `s3://name` or `gs://name`, or that of an Azure container as
    `wasbs://container@account.blob.core.windows.net`."""
    storage_class: str
    """Class of volumes, which the platform makes."""
    identities: dict[str, dict[str, str]]
    """Service account as `namespace/name` → annotations that give its pods their cloud identity."""
    load_balancer: dict[str, str]
    """Annotations of the gateway's Service of type LoadBalancer."""
    pod_labels: dict[str, str] = {}
    """Labels that pods with a cloud identity need."""
    storage_classes: tuple[dict[str, Any], ...] = ()
    """StorageClass objects of the cloud's disks."""
    sources: tuple[str, ...] = ()
    """CIDR ranges that may reach the gateway's load balancer; everybody where it is private and this is empty."""
    scaling: Scaling | None = None
    """None where the cloud scales the pools of nodes itself."""

    def account_annotations(self, namespace: str, name: str) -> dict[str, str]:
        """Annotations of a service account; none where the cloud binds identities on its own side."""
        return dict(self.identities.get(f"{namespace}/{name}", {}))
