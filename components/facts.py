"""What the installer tells the control plane and the components: one closed, typed document.

The installer writes it as JSON into a ConfigMap (`mlp-system/platform-facts`, key `facts.json`); the control plane
reads it at start. It holds no secrets.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Endpoint(_Closed):
    """A service and the pods or addresses behind it, so that a NetworkPolicy can name exactly those."""

    url: str
    namespace: str = ""
    pod_labels: dict[str, str] = {}
    port: int
    """The container's port: NetworkPolicy is decided after service translation."""
    addresses: str = ""
    """CIDR range of a service outside the cluster, which has no namespace and no pods."""


class Network(_Closed):
    """Address ranges in CIDR notation. Workspace egress to the internet leaves all of them out."""

    pods: str
    services: str
    nodes: str
    api_server_endpoints: tuple[str, ...]
    """`address:port` of the API server behind service `kubernetes` (NetworkPolicy sees these, not the service); a CIDR
    range in place of an address where a cloud changes them."""


class Aws(_Closed):
    """Where workspaces of a platform on AWS get their roles and buckets."""

    kind: Literal["aws"] = "aws"
    account: str
    partition: str
    region: str
    cluster: str
    """Name of the EKS cluster."""
    identity: Literal["pod-identity", "irsa"]
    oidc_issuer: str
    """Without https://; empty where pods use Pod Identity."""
    permissions_boundary: str
    """ARN that every workspace's role is bounded by; empty for none."""
    key: str
    """ARN of the KMS key of buckets."""
    storage_ranges: tuple[str, ...] = ()
    """CIDR ranges of the storage service as pods see it; empty: anything public, and private endpoints among nodes."""


class Gcp(_Closed):
    """Where workspaces of a platform on GCP get their buckets."""

    kind: Literal["gcp"] = "gcp"
    project: str
    project_number: str
    location: str
    workload_pool: str
    """Such as `<project>.svc.id.goog`."""
    key: str
    """Resource name of the Cloud KMS key of buckets."""
    storage_ranges: tuple[str, ...] = ()
    """CIDR ranges of the storage service as pods see it; empty: anything public, and private endpoints among nodes."""


class Azure(_Closed):
    """Where workspaces of a platform on Azure get their identities and containers."""

    kind: Literal["azure"] = "azure"
    subscription: str
    tenant: str
    location: str
    resource_group: str
    """Holds the workspaces' identities."""
    storage_account: str
    """Of the workspaces' containers."""
    storage_group: str = ""
    """Resource group of the storage account; empty: that of the identities."""
    oidc_issuer: str
    storage_ranges: tuple[str, ...] = ()
    """CIDR ranges of the storage service as pods see it; empty: anything public, and private endpoints among nodes."""


Cloud = Annotated[Aws | Gcp | Azure, Field(discriminator="kind")]


class Queueing(_Closed):
    """How far tenants share what others leave unused, in percent of their own quota."""

    borrowing: int
    lending: int


class KubeflowPipelines(_Closed):
    """What each workspace's instance of Kubeflow Pipelines is made of: full references of images, and its volume."""

    api_server: str
    persistence_agent: str
    scheduled_workflow: str
    driver: str
    launcher: str
    metadata_store: str
    storage: str
    """Size, as a Kubernetes quantity."""


class PlatformFacts(_Closed):
    """Facts of one installation. Optional parts are None where the component is switched off."""

    installation: str
    target: Literal["local", "existing", "onprem", "aws", "gcp", "azure"]
    version: str
    kubernetes_version: str
    public_url: str
    """Where people reach the gateway, such as `https://localhost:8443`, without a trailing slash."""
    registry: str
    """Workspaces may run only images whose name begins with this prefix; it ends in `/`."""
    workspace_image: str
    storage_class: str
    network: Network
    components: tuple[str, ...]
    database: Endpoint | None = None
    gateway: Endpoint | None = None
    tracking: Endpoint | None = None
    storage: Endpoint | None = None
    storage_admin: Endpoint | None = None
    storage_region: str = "us-east-1"
    ca_certificate: str = ""
    """PEM of the CA that signed the gateway's certificate; empty where a public CA did."""
    gpu_classes: tuple[str, ...] = ()
    queueing: Queueing | None = None
    notebooks: Endpoint | None = None
    """The hub that starts notebook servers."""
    notebooks_domain: str = ""
    """Host name, with the port where it is not 443, below which every notebook server has a name of its own."""
    notebook_image: str = ""
    training_image: str = ""
    """Image with TensorFlow for training jobs; GPU clusters bring their own."""
    mpi_jobs: bool = False
    """Whether workspaces have MPIJobs, whose launchers reach the API server."""
    serving_image: str = ""
    """Image of the model servers."""
    kubeflow_pipelines: KubeflowPipelines | None = None
    kubeflow_database_image: str = ""
    kubeflow_step_image: str = ""
    """Image for steps of Kubeflow Pipelines that are Python functions."""
    cloud: Cloud | None = None
    """Where set, workspaces get cloud identities and buckets there, and `storage` is None."""
