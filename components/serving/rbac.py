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


def _of(group: str, resources: tuple[str, ...], verbs: tuple[str, ...]) -> dict[str, Any]:
    return {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}


CONTROLLER_RULES: tuple[dict[str, Any], ...] = (
    _rule(("inferenceservices",), (*_READ, "patch")),
    _rule(("inferenceservices/status",), ("get", "patch", "update")),
    _rule(("inferenceservices/finalizers",), ("update",)),
    _rule(
        ("clusterservingruntimes", "clusterstoragecontainers", "inferencegraphs", "servingruntimes", "trainedmodels"),
        _READ,
    ),
    _of("apps", ("deployments",), _READ),
    _of("", ("pods", "services"), _READ),
    _of("autoscaling", ("horizontalpodautoscalers",), _READ),
    # It has a watch on these, and makes none.
    _of("networking.k8s.io", ("ingresses",), _READ),
)
"""Over the whole cluster: KServe has one watch for all workspaces. It takes its finalizer off an InferenceService also
where its rights went with the workspace already; else namespaces would never end."""

WORKSPACE_RULES: tuple[dict[str, Any], ...] = (
    _of("apps", ("deployments",), ("create", "update", "patch", "delete")),
    _of("", ("services",), ("create", "update", "patch", "delete")),
    _of("autoscaling", ("horizontalpodautoscalers",), ("create", "update", "patch", "delete")),
    _of("", ("events",), ("create", "patch")),
)
"""In workspaces only, by a binding in each. Not among them: secrets, service accounts and ConfigMaps, which it would
read to hand credentials on; pods fetch models with the workspace's own identity."""
