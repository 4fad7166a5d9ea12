"""What each role may do with pipelines, and what Argo itself may do. Pure data."""

from __future__ import annotations

from typing import Any

from components.pipelines.names import GROUP

Rule = dict[str, Any]

_READ = ("get", "list", "watch")
_CHANGE = ("create", "update", "patch", "delete", "deletecollection")
_KINDS = ("workflows", "workflowtemplates", "cronworkflows")


def _rule(group: str, resources: tuple[str, ...], verbs: tuple[str, ...]) -> Rule:
    return {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}


VIEWER_RULES = (_rule(GROUP, (*_KINDS, "workflowtaskresults", "workflowtasksets"), _READ),)
MEMBER_RULES = (*VIEWER_RULES, _rule(GROUP, _KINDS, _CHANGE))
ADMIN_RULES = MEMBER_RULES
WORKLOAD_RULES = (
    # A step reports what came out of it, and starts other pipelines.
    _rule(GROUP, ("workflowtaskresults",), ("create", "patch")),
    _rule(GROUP, ("workflows", "workflowtemplates"), (*_READ, "create")),
)

WATCH_RULES: tuple[Rule, ...] = (
    _rule(GROUP, (*_KINDS, "clusterworkflowtemplates", "workflowtasksets"), _READ),
    _rule(GROUP, ("workflowartifactgctasks", "workflowtaskresults"), _READ),
    _rule("", ("pods", "configmaps", "namespaces"), _READ),
)
"""Over the whole cluster: the controller has one watch for all workspaces."""

WORKSPACE_RULES: tuple[Rule, ...] = (
    _rule("", ("pods",), ("create", "get", "update", "patch", "delete")),
    # How it asks a step to end.
    _rule("", ("pods/exec",), ("create",)),
    _rule("", ("persistentvolumeclaims",), ("create", "get", "delete")),
    _rule("", ("serviceaccounts",), ("get", "list")),
    _rule("", ("events",), ("create", "patch")),
    _rule("policy", ("poddisruptionbudgets",), ("create", "get", "delete")),
    _rule(GROUP, ("workflows", "workflowtasksets", "workflowartifactgctasks"), _CHANGE),
    _rule(GROUP, ("workflows/finalizers", "workflowtasksets/finalizers"), ("update", "patch")),
    _rule(GROUP, ("workflowtaskresults",), ("deletecollection",)),
    _rule(GROUP, ("cronworkflows", "cronworkflows/finalizers"), ("update", "patch", "delete")),
)
"""In workspaces only, by a binding in each. Not among them: secrets, and anything of the platform's own namespaces."""
