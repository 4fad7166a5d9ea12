"""What each role needs in a workspace's namespace for model serving. Pure data for the ClusterRoles of tenants.

Calling an endpoint is asked of RBAC too: `create` on `inferenceservices/predict`, a subresource that KServe does not
have. Left out on purpose, so refused for everybody: InferenceGraphs and TrainedModels.
"""

from __future__ import annotations

from typing import Any

from components.serving.names import API_GROUP, PREDICT

_KINDS = ("inferenceservices", "servingruntimes")
_READ = ("get", "list", "watch")
_CHANGE = ("create", "update", "patch", "delete", "deletecollection")


def _rule(resources: tuple[str, ...], verbs: tuple[str, ...]) -> dict[str, Any]:
    return {"apiGroups": [API_GROUP], "resources": list(resources), "verbs": list(verbs)}


_LOOK = _rule((*_KINDS, "inferenceservices/status"), _READ)
_CALL = _rule((f"inferenceservices/{PREDICT}",), ("create",))

VIEWER_RULES = (_LOOK,)
"""Sees endpoints, and calls none: a call may cost, and its input may be seen by whoever made the model."""

MEMBER_RULES = (_LOOK, _rule(_KINDS, _CHANGE), _CALL)
"""Makes, changes, deletes and calls endpoints."""

ADMIN_RULES = MEMBER_RULES

WORKLOAD_RULES = (_LOOK, _CALL)
"""Pods of the workspace: applications call the workspace's endpoints, pipelines look whether one is ready."""
