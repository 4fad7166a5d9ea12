"""One workspace and one installation for the tests of this folder."""

from __future__ import annotations

from components.facts import Endpoint, Network, PlatformFacts
from controlplane.quotas.model import Quota
from controlplane.reconcile.model import WorkspaceSpec

FACTS = PlatformFacts(
    installation="unit",
    target="local",
    version="0.1.0",
    kubernetes_version="v1.36.3",
    public_url="https://localhost:8443",
    registry="registry.mlp.local/",
    workspace_image="registry.mlp.local/workspace:1",
    storage_class="mlp-local",
    network=Network(
        pods="10.244.0.0/16", services="10.96.0.0/16", nodes="203.0.113.0/24",
        api_server_endpoints=("198.51.100.2:6443",),
    ),
    components=("gateway", "storage"),
    gateway=Endpoint(url="https://g", namespace="mlp-gateway", pod_labels={"app": "gateway"}, port=8443),
    storage=Endpoint(url="http://s", namespace="mlp-storage", pod_labels={"app": "storage"}, port=9000),
    tracking=Endpoint(url="http://t", namespace="mlp-tracking", pod_labels={"app": "tracking"}, port=5000),
    gpu_classes=("nvidia.com/gpu",),
)  # fmt: skip
SPEC = WorkspaceSpec(
    tenant="acme",
    name="research",
    namespace="ws-acme--research",
    uid="6f1c",
    generation=3,
    quota=Quota(cpu="4", memory="8Gi", storage="10Gi", pods=10, gpus={"nvidia.com/gpu": 1}),
)
