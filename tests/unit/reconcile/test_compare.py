"""Differences, hashes and what has to be taken away."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from components.contract import KubernetesObject
from controlplane.reconcile.compare import content_hash, differences, normalised, removal
from controlplane.reconcile.desired import desired_objects
from tests.unit.reconcile.samples import FACTS, SPEC

EVERY = {f"{o['kind']}/{o['metadata']['name']}": o for o in desired_objects(SPEC, FACTS)}


def live(name: str, **changes: Any) -> KubernetesObject:
    """What the API server would give back for an object that was applied."""
    obj = copy.deepcopy(EVERY[name])
    obj["metadata"] |= {"uid": "1", "resourceVersion": "7", "creationTimestamp": "2026-01-01T00:00:00Z"}
    obj |= {"status": {"anything": 1}}
    for path, value in changes.items():
        *parents, last = path.split("__")
        at: Any = obj
        for parent in parents:
            at = at[int(parent)] if isinstance(at, list) else at.setdefault(parent, {})
        if value is None:
            del at[last]
        else:
            at[last] = value
    return obj


@pytest.mark.parametrize("name", EVERY)
def test_an_object_as_applied_does_not_differ(name: str) -> None:
    assert differences(EVERY[name], live(name)) == ()
    assert removal(EVERY[name], live(name)) is None
    assert content_hash(live(name)) == content_hash(EVERY[name])


@pytest.mark.parametrize(
    ("name", "changes", "paths"),
    [
        ("NetworkPolicy/default-deny", {"spec__ingress": [{}]}, ("spec.ingress",)),
        ("NetworkPolicy/allow-dns", {"spec__ingress": [{}]}, ("spec.ingress",)),
        ("NetworkPolicy/default-deny", {"spec__podSelector": {"matchLabels": {"a": "b"}}},
         ("spec.podSelector.matchLabels",)),
        ("NetworkPolicy/allow-same-namespace", {"spec__ingress": [{"from": [{"namespaceSelector": {}}]}]},
         ("spec.ingress",)),
        ("ResourceQuota/compute", {"spec__hard__pods": "11"}, ("spec.hard.pods",)),
        ("ResourceQuota/compute", {"spec__hard__pods": None}, ("spec.hard.pods",)),
        ("ResourceQuota/best-effort", {"spec__scopes": ["NotBestEffort"]}, ("spec.scopes",)),
        ("RoleBinding/mlp-tenant-view", {"subjects": []}, ("subjects",)),
        ("RoleBinding/mlp-tenant-view", {"roleRef__name": "cluster-admin"}, ("roleRef.name",)),
        ("ServiceAccount/workload", {"automountServiceAccountToken": True}, ("automountServiceAccountToken",)),
        ("ServiceAccount/workload", {"automountServiceAccountToken": None}, ("automountServiceAccountToken",)),
        ("Namespace/ws-acme--research", {"metadata__labels": {}}, ("metadata.labels",)),
        ("Namespace/ws-acme--research", {"metadata__labels__mlp.io/tenant": "b"}, ("metadata.labels.mlp.io/tenant",)),
    ],
)  # fmt: skip
def test_what_somebody_changed_is_named(name: str, changes: dict[str, Any], paths: tuple[str, ...]) -> None:
    assert differences(EVERY[name], live(name, **changes)) == paths


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("ResourceQuota/compute", {"spec__hard__requests.cpu": "4000m"}),
        ("ResourceQuota/compute", {"spec__hard__limits.memory": "8192Mi"}),
        ("NetworkPolicy/default-deny", {"spec__ingress": None, "spec__egress": None}),
        ("Namespace/ws-acme--research", {"metadata__labels__kubernetes.io/metadata.name": "ws-acme--research"}),
        ("ServiceAccount/default", {"secrets": [{"name": "x"}]}),
    ],
)
def test_other_spellings_and_fields_of_others_do_not_count(name: str, changes: dict[str, Any]) -> None:
    assert differences(EVERY[name], live(name, **changes)) == ()


def test_additions_are_taken_away() -> None:
    quota = live("ResourceQuota/compute", **{"spec__hard__limits.x": "1"})
    assert differences(EVERY["ResourceQuota/compute"], quota) == ("spec.hard.limits.x",)
    assert removal(EVERY["ResourceQuota/compute"], quota) == {"spec": {"hard": {"limits.x": None}}}
    policy = live("NetworkPolicy/allow-dns", spec__ingress=[{}])
    assert removal(EVERY["NetworkPolicy/allow-dns"], policy) == {"spec": {"ingress": None}}
    assert removal(EVERY["ServiceAccount/default"], live("ServiceAccount/default", secrets=[])) is None


def test_empty_means_absent_but_for_selectors_and_list_items() -> None:
    assert normalised({"a": {}, "b": [], "c": None, "d": {"e": {}}}) == {}
    assert normalised({"from": [{"podSelector": {}}]}) == {"from": [{"podSelector": {}}]}
    assert normalised({"ingress": [{}]}) != normalised({"ingress": []})
    assert normalised({"from": [{"podSelector": {}}]}) != normalised({"from": [{"namespaceSelector": {}}]})


def test_the_hash_is_of_content_not_of_spelling() -> None:
    obj = EVERY["ResourceQuota/compute"]
    turned = dict(reversed(obj.items()))
    assert content_hash(turned) == content_hash(obj)
    changed = copy.deepcopy(obj)
    changed["spec"]["hard"]["pods"] = "11"
    assert content_hash(changed) != content_hash(obj)
    renamed = copy.deepcopy(obj)
    renamed["metadata"]["labels"]["mlp.io/tenant"] = "another"
    assert content_hash(renamed) != content_hash(obj)
