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
