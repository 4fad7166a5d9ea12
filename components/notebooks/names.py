"""Names and ports by which others find the hub and the notebooks. No objects: gateway and control plane read this."""

from __future__ import annotations

from components import kubernetes as k8s
from components.names import LABEL_COMPONENT, LABEL_NAME, LABEL_TENANT, component_namespace

NAME = "notebooks"
NAMESPACE = component_namespace(NAME)
PORT = 8081
HOST = f"{NAME}.{NAMESPACE}.svc"
HUB_PODS = k8s.selector(NAME)

SERVER_PORT = 8888
SERVER_PODS = {LABEL_NAME: "notebook", LABEL_COMPONENT: NAME}
"""Labels of every notebook server's pod."""
SERVERS = {
    "namespaceSelector": {"matchExpressions": [{"key": LABEL_TENANT, "operator": "Exists"}]},
    "podSelector": {"matchLabels": SERVER_PODS},
}
"""Notebook servers in every workspace, as the peer of a NetworkPolicy."""

PEOPLE_SECRET = "notebooks-people-secret"  # noqa: S105 - a name
"""Sent by the hub to the control plane as X-Mlp-Notebooks-Secret, which lets it ask for a person's groups only."""
COOKIE_SECRET = "notebooks-cookie-secret"  # noqa: S105 - a name
