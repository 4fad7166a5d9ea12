"""What each role sees of the queues, and what Kueue itself may do. Pure data."""

from __future__ import annotations

from typing import Any

from components.queueing.names import GROUP

Rule = dict[str, Any]


def _rule(group: str, resources: tuple[str, ...], verbs: tuple[str, ...]) -> Rule:
    return {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}


_READ = ("get", "list", "watch")

VIEWER_RULES = (_rule(GROUP, ("localqueues", "workloads"), _READ),)
"""Why a job waits stands in its Workload. Nobody in a workspace changes queues: those are the tenant's limits."""
MEMBER_RULES = VIEWER_RULES
ADMIN_RULES = VIEWER_RULES
WORKLOAD_RULES: tuple[Rule, ...] = ()

_JOB_KINDS = {
    "batch": ("jobs",),
    "jobset.x-k8s.io": ("jobsets",),
    "trainer.kubeflow.org": ("trainjobs",),
    "kubeflow.org": ("mpijobs", "pytorchjobs", "tfjobs"),
}
"""What is queued: API group → kinds."""


def _jobs(group: str, kinds: tuple[str, ...]) -> tuple[Rule, ...]:
    below = tuple(f"{kind}/{part}" for kind in kinds for part in ("finalizers", "status"))
    return (
        _rule(group, kinds, ("get", "list", "watch", "patch", "update", "delete")),
        _rule(group, below, ("get", "patch", "update")),
    )


_OWN = ("clusterqueues", "cohorts", "localqueues", "workloads")
_JUDGED = ("admissionchecks", "resourceflavors")

CONTROLLER_RULES: tuple[Rule, ...] = (
    _rule("", ("limitranges", "namespaces"), _READ),
    _rule("", ("events",), ("create", "patch", "update")),
    _rule("node.k8s.io", ("runtimeclasses",), _READ),
    _rule("scheduling.k8s.io", ("priorityclasses",), _READ),
    *(rule for group, kinds in _JOB_KINDS.items() for rule in _jobs(group, kinds)),
    _rule("trainer.kubeflow.org", ("trainingruntimes", "clustertrainingruntimes"), _READ),
    _rule(GROUP, _OWN, (*_READ, "create", "patch", "update", "delete")),
    _rule(GROUP, _JUDGED, (*_READ, "patch", "update")),
    _rule(GROUP, tuple(f"{kind}/status" for kind in (*_OWN, "admissionchecks")), ("get", "patch", "update")),
    _rule(GROUP, tuple(f"{kind}/finalizers" for kind in (*_OWN, *_JUDGED)), ("update",)),
    _rule(
        GROUP,
        ("multikueueclusters", "multikueueconfigs", "provisioningrequestconfigs", "workloadpriorityclasses"),
        _READ,
    ),
)
"""No right on secrets, webhooks or definitions: certificates come from the installer."""

LEADER_RULES: tuple[Rule, ...] = (
    _rule("coordination.k8s.io", ("leases",), ("get", "create", "update", "patch")),
    _rule("", ("events",), ("create", "patch")),
)
"""In its own namespace."""
