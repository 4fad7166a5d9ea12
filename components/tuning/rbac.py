"""What each role may do with experiments, and what Katib itself may do. Pure data."""

from __future__ import annotations

from typing import Any

Rule = dict[str, Any]

GROUP = "kubeflow.org"
_READ = ("get", "list", "watch")
_CHANGE = ("create", "update", "patch", "delete", "deletecollection")
_KINDS = ("experiments", "suggestions", "trials")


def _rule(group: str, resources: tuple[str, ...], verbs: tuple[str, ...]) -> Rule:
    return {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}


VIEWER_RULES = (_rule(GROUP, _KINDS, _READ),)
MEMBER_RULES = (*VIEWER_RULES, _rule(GROUP, ("experiments",), _CHANGE))
ADMIN_RULES = MEMBER_RULES
WORKLOAD_RULES = (*VIEWER_RULES, _rule(GROUP, ("experiments",), ("create",)))

_MAKE = (*_READ, "create", "delete")

WATCH_RULES: tuple[Rule, ...] = (
    _rule(GROUP, _KINDS, (*_READ, "create", "update", "patch", "delete")),
    _rule(
        GROUP,
        tuple(f"{kind}/{part}" for kind in _KINDS for part in ("status", "finalizers")),
        ("get", "update", "patch"),
    ),
    _rule("", ("namespaces",), _READ),
    _rule("", ("events",), ("create", "patch", "update")),
    _rule("", ("pods",), _READ),
    # A webhook looks up whose pod it sees, through what owns it.
    _rule("apps", ("replicasets", "statefulsets"), ("get", "list", "watch")),
    _rule("jobset.x-k8s.io", ("jobsets",), _READ),
    # Trials are jobs; suggestions are computed in a Deployment behind a Service.
    _rule("batch", ("jobs",), _MAKE),
    _rule("trainer.kubeflow.org", ("trainjobs",), _MAKE),
    _rule(GROUP, ("tfjobs", "pytorchjobs", "mpijobs"), _MAKE),
    _rule("apps", ("deployments",), _MAKE),
    _rule("", ("services", "persistentvolumeclaims"), _MAKE),
    _rule("", ("configmaps",), _READ),
)
"""Over all workspaces. Not among them: secrets, roles and service accounts, which only early stopping would need."""

OWN_RULES: tuple[Rule, ...] = (_rule("", ("configmaps",), ("get",)),)
