"""Everything that nginx's configuration depends on. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from components.gateway.names import PORT

HEALTH_PORT = 8081


@dataclass(frozen=True)
class GatewayPlan:
    """Everything that the configuration depends on."""

    public_url: str
    names: tuple[str, ...]
    """Host names and addresses, without ports, that the gateway answers to."""
    control_plane: str
    """`http://host:port`, as are the others; host names end in the cluster's domain."""
    tracking: str | None
    tracking_host: str
    """The host name that the tracking server expects."""
    kubernetes: str
    """`host:port` of the API server. It is asked by the name `kubernetes.NAME` in its certificate."""
    notebooks: str | None
    notebooks_domain: str
    """Below which every notebook server has a host name, with the port where it is not 443."""
    resolver: str
    """Host name or `address:port` of the cluster's DNS."""
    requests_per_second: int
    max_body_mb: int
    max_artifact_mb: int
    serving: str | None = None
    """What follows `service.namespace` in the host name of a model endpoint; None: there are none."""
    kubeflow_pipelines: str | None = None
    """What follows `service.namespace` in the host name of a workspace's Kubeflow Pipelines, and the port; None: there
    are none."""
    folder: str = "/etc/mlp"
    """Where certificate, key, secrets and the API server's authority are mounted."""
    scratch: str = "/tmp"  # noqa: S108 - a folder of the container's own
    listen: str = f"{PORT}"
    health_listen: str = f"{HEALTH_PORT}"
    http2: bool = True
    access_log: str = "/dev/stdout"

    @property
    def strict_transport(self) -> bool:
        """HSTS would bind every port of a machine's localhost to TLS."""
        host = urlsplit(self.public_url).hostname or ""
        return host != "localhost" and not host.replace(".", "").isdigit() and ":" not in host
