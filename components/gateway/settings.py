"""Settings of the gateway."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from components.contract import ComponentSettings
from components.gateway.names import NODE_PORT
from components.quantities import Quantity


class GatewaySettings(ComponentSettings):
    """The one entrance: TLS, who calls, and where to."""

    exposure: Literal["node-port", "load-balancer", "internal"] = "node-port"
    """`node-port`: `node_port` of every node. `load-balancer`: the cluster's provider gives an address.
    `internal`: only inside the cluster, for an ingress of one's own in front."""
    node_port: Annotated[int, Field(ge=30000, le=32767)] = NODE_PORT
    """Port of every node for exposure `node-port`."""
    replicas: Annotated[int, Field(ge=1, le=10)] = 1
    memory: Quantity = "256Mi"
    """Memory limit of one replica."""
    requests_per_second: Annotated[int, Field(ge=1)] = 200
    """Of one client address, before 429; twice as many at once."""
    max_body_mb: Annotated[int, Field(ge=1)] = 32
    """Largest request body, artifacts left out."""
    max_artifact_mb: Annotated[int, Field(ge=1)] = 5120
    """Largest artifact in one request; larger files go to the workspace's bucket directly."""
    cluster_domain: Annotated[str, Field(pattern=r"^[a-z0-9.-]+$")] = "cluster.local"
    """DNS domain of the cluster."""
    dns_service: Annotated[str, Field(pattern=r"^[a-z0-9.-]+$")] = "kube-dns.kube-system.svc"
    """Service of the cluster's DNS, without the domain."""
