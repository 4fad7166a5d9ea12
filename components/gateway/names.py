"""Names by which others find the gateway. No imports of the gateway's objects: the tracking server reads this."""

from __future__ import annotations

from components import kubernetes as k8s

NAME = "gateway"
PORT = 8443
NODE_PORT = 30443
"""Port on every node's own addresses; the local cluster's forwarder and a load balancer of one's own go there."""

GATEWAY_PODS = k8s.selector(NAME)

HOP_SECRET = "gateway-hop-secret"  # noqa: S105 - a name
"""Sent to the control plane as X-Mlp-Gateway-Secret, so that it believes the other headers."""
TRACKING_HOP_SECRET = "gateway-tracking-secret"  # noqa: S105 - a name
"""The same for the tracking server; another value, so that neither can speak for the gateway to the other."""
NOTEBOOKS_HOP_SECRET = "gateway-notebooks-secret"  # noqa: S105 - a name
"""The same for the hub of notebooks."""
TLS_CERTIFICATE = "gateway-tls-crt"
TLS_KEY = "gateway-tls-key"

KUBERNETES_PATH = "/kubernetes"
"""Path of the gateway below which the Kubernetes API is."""
KUBERNETES_GROUPS = 32
"""Most groups that one call takes to the API server. Only calls that name no namespace need several."""
KUBERNETES_AUTHORIZATION = "X-Mlp-Kubernetes-Authorization"
KUBERNETES_ACCOUNT = "X-Mlp-Kubernetes-Account"
KUBERNETES_GROUP = "X-Mlp-Kubernetes-Group"
"""Headers of the control plane's answer to the gateway: Authorization for the API server, the account's name, and with
`-1`, `-2` … behind it the groups. Clients never see them."""
