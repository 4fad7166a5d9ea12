"""Drift against a workspace's own change, waves, conditions, and what blocks a deletion."""

from __future__ import annotations

import copy
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from controlplane.errors import Permanent, Temporary
from controlplane.reconcile.changes import find_drift, is_unfinished, unfinished, unlike
from controlplane.reconcile.compare import content_hash
from controlplane.reconcile.conditions import conditions
from controlplane.reconcile.deletion import blockers
from controlplane.reconcile.desired import desired_objects
from controlplane.reconcile.live import identity
from controlplane.reconcile.model import ConditionType, Drift
from controlplane.reconcile.wave import run
from tests.unit.reconcile.samples import FACTS, SPEC

WANTED = desired_objects(SPEC, FACTS)
NS = SPEC.namespace


def seen() -> dict:
    return {identity(obj): copy.deepcopy(obj) for obj in WANTED}


def test_no_drift_where_all_is_as_wanted() -> None:
    assert find_drift(SPEC, WANTED, seen()) == ()
    assert unlike(WANTED, seen()) == ()


def test_the_workspaces_own_change_is_no_drift() -> None:
    changed = replace(SPEC, generation=4, internet=True)
    wanted = desired_objects(changed, FACTS)
    assert find_drift(changed, wanted, seen()) == ()
    assert len(unlike(wanted, seen())) == len(wanted)


def test_edits_deletions_and_look_alikes_are_drift() -> None:
    live = seen()
    live["ResourceQuota", "compute"]["spec"]["hard"]["pods"] = "999"
    del live["LimitRange", "defaults"]
    alike = copy.deepcopy(live["ServiceAccount", "default"])
    alike["metadata"]["name"] = "alike"
    live["ServiceAccount", "alike"] = alike
    assert find_drift(SPEC, WANTED, live) == (
        Drift(NS, "ResourceQuota/compute", "unknown", ("spec.hard.pods",)),
        Drift(NS, "LimitRange/defaults", "unknown", ("(deleted)",)),
        Drift(NS, "ServiceAccount/alike", "unknown", ("(not wanted)",)),
    )


@pytest.mark.parametrize("value", [None, "", "x", "9"])
def test_a_forged_generation_hides_nothing(value: str | None) -> None:
    live = seen()
    labels = live["ResourceQuota", "compute"]["metadata"]["labels"]
    if value is None:
        del labels["mlp.io/generation"]
    else:
        labels["mlp.io/generation"] = value
    (drift,) = find_drift(SPEC, WANTED, live)
    assert drift.fields == ("metadata.labels.mlp.io/generation",)


def fail(error: Exception) -> int:
    raise error


def test_every_failure_of_a_wave_is_kept() -> None:
    done = threading.Event()
    steps = {
        "a": lambda: fail(Temporary("a", retry_after=2)),
        "b": lambda: fail(Temporary("b", retry_after=5)),
        "c": lambda: int(done.set() is None),
    }
    with ThreadPoolExecutor(2) as pool:
        outcome = run(pool, steps)
        assert done.is_set()
        assert (outcome.results, outcome.message(), outcome.retry, outcome.retry_after) == (
            {"c": 1},
            "a: a; b: b",
            True,
            5,
        )
        worse = run(pool, {**steps, "d": lambda: fail(Permanent("d"))})
        assert worse.retry is False
        with pytest.raises(ZeroDivisionError):
            run(pool, {**steps, "bug": lambda: 1 // 0})


def test_conditions_name_every_failure() -> None:
    errors = {"storage": Temporary("away"), "Secret/x": Permanent("no"), "LimitRange/y": Permanent("nor this")}
    found = {c.type: c for c in conditions(SPEC, errors)}
    assert found[ConditionType.OBJECTS].message == "LimitRange/y: nor this; Secret/x: no"
    assert found[ConditionType.STORAGE].message == "away"
    assert found[ConditionType.READY].status is False
    assert found[ConditionType.READY].reason == "ApplyFailed"


def test_blockers_are_the_namespace_controllers_words() -> None:
    def condition(kind: str, status: str, message: str) -> dict[str, str]:
        return {"type": kind, "status": status, "message": message}

    namespace = {"status": {"conditions": [
        condition("NamespaceDeletionDiscoveryFailure", "True", "metrics.k8s.io/v1beta1: stale"),
        condition("NamespaceFinalizersRemaining", "True", "finalizers remaining: x.io/f in 1 instances"),
        condition("NamespaceContentRemaining", "False", "All content removed"),
        condition("Else", "True", "something else"),
    ]}}  # fmt: skip
    assert blockers(namespace) == "metrics.k8s.io/v1beta1: stale; finalizers remaining: x.io/f in 1 instances"
    assert blockers({}) == ""


def test_a_namespace_is_created_as_unfinished() -> None:
    made = unfinished(WANTED[0])
    assert is_unfinished(made)
    assert not is_unfinished(WANTED[0])
    assert made["metadata"]["annotations"]["mlp.io/spec-hash"] == content_hash(made)
    assert made["metadata"]["annotations"]["mlp.io/uid"] == SPEC.uid
    assert WANTED[0]["metadata"]["labels"]["mlp.io/generation"] == "3", "the input stays as it was"
    cut_short = {identity(made): made}
    assert find_drift(SPEC, WANTED, cut_short) == ()
    assert len(unlike(WANTED, cut_short)) == len(WANTED)
