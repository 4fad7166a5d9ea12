"""What each role may do with Kubeflow Pipelines, and what an instance may do in its own workspace. Pure data."""

from __future__ import annotations

from typing import Any

from components.kubeflow_pipelines.names import GROUP, RUNS

Rule = dict[str, Any]

_READ = ("get", "list", "watch")
_SCHEDULES = "kubeflow.org"


def _rule(group: str, resources: tuple[str, ...], verbs: tuple[str, ...]) -> Rule:
    return {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}


VIEWER_RULES = (_rule(GROUP, (RUNS,), ("get", "list")), _rule(_SCHEDULES, ("scheduledworkflows",), _READ))
MEMBER_RULES = (*VIEWER_RULES, _rule(GROUP, (RUNS,), ("create",)))
ADMIN_RULES = MEMBER_RULES
WORKLOAD_RULES = (_rule(GROUP, (RUNS,), ("get", "list", "create")),)

INSTANCE_RULES: tuple[Rule, ...] = (
    _rule("", ("pods",), ("get", "list", "delete")),
    _rule("", ("pods/log",), ("get", "list")),
    _rule("", ("configmaps",), ("get",)),
    _rule("", ("events",), ("create", "patch")),
    _rule("argoproj.io", ("workflows",), (*_READ, "create", "update", "patch", "delete")),
    _rule(_SCHEDULES, ("scheduledworkflows",), (*_READ, "create", "update", "patch", "delete")),
    _rule(_SCHEDULES, ("scheduledworkflows/finalizers",), ("update",)),
)
"""Bound to the instance's account in its workspace. Members may do all of it there themselves, but for schedules, which
they change through the instance. Not among it: secrets, and questions about other people's tokens and rights, since an
instance for one workspace asks nobody who calls."""
