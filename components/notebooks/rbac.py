"""Rights of the hub in a workspace, and what people need. Pure data.

People need nothing of their own: whoever may create pods in a workspace may have a notebook server there, and the hub
asks Kubernetes exactly that. Servers are pods, so whoever may list pods sees them (label `mlp.io/component=notebooks`).
"""

from __future__ import annotations

from typing import Any


def _rule(resources: tuple[str, ...], *verbs: str) -> dict[str, Any]:
    return {"apiGroups": [""], "resources": list(resources), "verbs": list(verbs)}


SPAWNER_RULES = (
    _rule(("pods",), "get", "list", "watch", "create", "delete"),
    _rule(("services",), "get", "create", "delete"),
    # Claims are made once and never deleted here: files outlive servers.
    _rule(("persistentvolumeclaims",), "get", "create"),
    _rule(("events",), "list", "watch"),
    _rule(("resourcequotas",), "list"),
)
"""Of the hub's service account, in workspaces only."""

HUB_RULES = ({"apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"], "verbs": ["create"]},)
"""Of the hub's service account, cluster-wide: it asks what others may do."""
