"""What the controllers may do, and what people and pods of a workspace may do with training jobs. Pure data.

The controllers' rules follow what their code asks for, without what is switched off: leases (each runs once), podgroups
of other schedulers, and certificates, which the installer makes.
"""

from __future__ import annotations

from typing import Any

Rule = dict[str, Any]

TRAINER_GROUP, OPERATOR_GROUP, JOBSET_GROUP = "trainer.kubeflow.org", "kubeflow.org", "jobset.x-k8s.io"

_READ = ("get", "list", "watch")
_CHANGE = ("create", "update", "patch", "delete", "deletecollection")
_OWN = (*_READ, "create", "update", "patch", "delete")


def _rule(group: str, resources: tuple[str, ...], verbs: tuple[str, ...]) -> Rule:
    return {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}


_KINDS = (
    (TRAINER_GROUP, ("trainjobs", "trainingruntimes")),
    (OPERATOR_GROUP, ("tfjobs", "pytorchjobs", "mpijobs")),
    (JOBSET_GROUP, ("jobsets",)),
)

VIEWER_RULES = tuple(_rule(group, kinds, _READ) for group, kinds in _KINDS)
MEMBER_RULES = tuple(_rule(group, kinds, (*_READ, *_CHANGE)) for group, kinds in _KINDS)
ADMIN_RULES = MEMBER_RULES
WORKLOAD_RULES = VIEWER_RULES
"""A notebook sees what runs; jobs are started by people, and by what acts for them."""

RUNTIME_READERS = (_rule(TRAINER_GROUP, ("clustertrainingruntimes",), _READ),)
"""For everybody who is known to the cluster: names of images, nothing of anybody's."""

_EVENTS = _rule("", ("events",), ("create", "patch"))


def operator_rules(*, mpi_jobs: bool) -> list[Rule]:
    """Training Operator. What an MPIJob's launcher may do the operator must hold itself, to give it; an admission
    policy keeps it from using it (boundary.py)."""
    kinds = ("tfjobs", "pytorchjobs", *(("mpijobs",) if mpi_jobs else ()))
    rules = [
        _rule(OPERATOR_GROUP, kinds, (*_READ, "update", "patch", "delete")),
        _rule(OPERATOR_GROUP, tuple(f"{kind}/status" for kind in kinds), ("get", "update", "patch")),
        _rule(OPERATOR_GROUP, tuple(f"{kind}/finalizers" for kind in kinds), ("update",)),
        _rule("", ("pods",), _OWN),
        _rule("", ("services",), (*_READ, "create", "delete")),
        _rule("autoscaling", ("horizontalpodautoscalers",), _OWN),
        _EVENTS,
        # It looks for a webhook of its own whose certificate it would keep, and finds none.
        _rule("admissionregistration.k8s.io", ("validatingwebhookconfigurations",), _READ),
    ]
    if mpi_jobs:
        rules += [
            _rule("", ("configmaps",), (*_READ, "create", "update")),
            _rule("", ("serviceaccounts",), (*_READ, "create")),
            _rule("rbac.authorization.k8s.io", ("roles", "rolebindings"), (*_READ, "create", "update")),
            _rule("", ("pods/exec",), ("create",)),
        ]
    return rules


OPERATOR_OWN_RULES: tuple[Rule, ...] = (
    _rule("", ("secrets",), _READ),
    {**_rule("", ("secrets",), ("update",)), "resourceNames": ["training-operator-unused"]},
)
"""In the component's namespace: its certificate keeper cannot be switched off, so it keeps one that nobody uses."""

TRAINER_RULES: tuple[Rule, ...] = (
    _rule(TRAINER_GROUP, ("clustertrainingruntimes", "trainingruntimes", "trainjobs"), (*_READ, "update", "patch")),
    _rule(
        TRAINER_GROUP,
        ("clustertrainingruntimes/finalizers", "trainingruntimes/finalizers", "trainjobs/finalizers"),
        ("get", "update", "patch"),
    ),
    _rule(TRAINER_GROUP, ("trainjobs/status",), ("get", "update", "patch")),
    _rule(JOBSET_GROUP, ("jobsets",), _OWN),
    # Host files and SSH keys of MPI runtimes. It watches them in all namespaces, which RBAC cannot narrow.
    _rule("", ("configmaps", "secrets"), (*_READ, "create", "update", "patch")),
    _rule("", ("limitranges",), _READ),
    _rule("node.k8s.io", ("runtimeclasses",), _READ),
    _EVENTS,
    _rule("events.k8s.io", ("events",), ("create", "patch")),
)

JOBSET_RULES: tuple[Rule, ...] = (
    _rule(JOBSET_GROUP, ("jobsets",), (*_READ, "update", "patch")),
    _rule(JOBSET_GROUP, ("jobsets/status",), ("get", "update", "patch")),
    _rule(JOBSET_GROUP, ("jobsets/finalizers",), ("update",)),
    _rule("batch", ("jobs",), _OWN),
    _rule("batch", ("jobs/status",), ("get", "update", "patch")),
    _rule("", ("services", "persistentvolumeclaims"), (*_READ, "create")),
    _rule("", ("pods",), (*_READ, "delete")),
    _rule("", ("pods/status",), ("get", "update", "patch")),
    _rule("", ("nodes",), _READ),
    _EVENTS,
)
