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

JOB_KINDS: dict[tuple[str, str], str] = {
    ("batch", "Job.v1"): "jobs",
    ("trainer.kubeflow.org", "TrainJob.v1alpha1"): "trainjobs",
    (GROUP, "TFJob.v1"): "tfjobs",
    (GROUP, "PyTorchJob.v1"): "pytorchjobs",
    (GROUP, "MPIJob.v1"): "mpijobs",
}
"""What a trial can be: API group, and kind with version → resource. All but the first come with training."""

WATCH_RULES: tuple[Rule, ...] = (
    _rule(GROUP, ("experiments",), (*_READ, "update")),
    _rule(GROUP, ("suggestions",), (*_READ, "create", "update")),
    _rule(GROUP, ("trials",), (*_READ, "create", "update", "delete")),
    _rule(GROUP, tuple(f"{kind}/status" for kind in _KINDS), ("update",)),
    # Who owns an object that blocks its owner's deletion must be allowed to change the owner's finalizers.
    _rule(GROUP, tuple(f"{kind}/finalizers" for kind in _KINDS), ("update",)),
    _rule("", ("namespaces",), _READ),
    _rule("", ("events",), ("create", "patch", "update")),
    # Trials are jobs; suggestions are computed in a Deployment behind a Service.
    *(_rule(group, (resource,), _MAKE) for (group, _), resource in JOB_KINDS.items()),
    _rule("apps", ("deployments",), _MAKE),
    _rule("", ("services",), _MAKE),
    # Between a TrainJob and its pods.
    _rule("jobset.x-k8s.io", ("jobsets",), ("get",)),
    # Its client has one cache of them for all namespaces, though it reads its own configuration, and templates of
    # trials in the experiment's namespace (policies.py).
    _rule("", ("configmaps",), _READ),
    _rule("", ("persistentvolumeclaims",), _READ),
)
"""Over all workspaces. Not among them: secrets, roles and service accounts, which only early stopping would need, and
volumes, which only experiments that resume from one would need."""
