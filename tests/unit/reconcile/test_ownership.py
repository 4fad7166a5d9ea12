"""Reading managedFields."""

from __future__ import annotations

from typing import Any

from controlplane.reconcile.compare import content_hash
from controlplane.reconcile.ownership import foreign_paths, last_writer, owned_part, owned_paths

OURS = "mlp-control-plane"


def entry(manager: str, fields: dict[str, Any], time: str = "2026-01-01T00:00:00Z", **more: str) -> dict[str, Any]:
    return {"manager": manager, "operation": "Apply", "time": time, "fieldsType": "FieldsV1", "fieldsV1": fields} | more


def quota(*entries: dict[str, Any], hard: dict[str, str]) -> dict[str, Any]:
    meta = {"name": "q", "namespace": "n", "labels": {"a": "b"}, "managedFields": list(entries), "uid": "1"}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": meta, "spec": {"hard": hard}, "status": {}}


WHOLE = {"f:metadata": {"f:labels": {"f:a": {}}}, "f:spec": {"f:hard": {"f:pods": {}, "f:limits.cpu": {}}}}
LESS = {"f:metadata": {"f:labels": {"f:a": {}}}, "f:spec": {"f:hard": {"f:pods": {}}}}
THEIRS = {"f:spec": {"f:hard": {"f:limits.cpu": {}}}}
STATUS = entry("kube-controller-manager", {"f:status": {"f:hard": {}}}, subresource="status")


def test_an_object_as_we_applied_it() -> None:
    live = quota(entry(OURS, WHOLE), STATUS, hard={"pods": "1", "limits.cpu": "2"})
    wanted = {"apiVersion": "v1", "kind": "ResourceQuota", "spec": {"hard": {"limits.cpu": "2000m", "pods": "1"}},
              "metadata": {"name": "q", "namespace": "n", "labels": {"a": "b"}}}  # fmt: skip
    assert content_hash(owned_part(live)) == content_hash(wanted)
    assert owned_paths(live) == {"metadata.labels.a", "spec.hard.pods", "spec.hard.limits.cpu"}
    assert foreign_paths(live) == frozenset()
    assert last_writer(live) == "unknown", "nobody but us"


def test_a_changed_field_has_left_our_part() -> None:
    live = quota(
        entry(OURS, LESS), entry("kubectl-edit", THEIRS, "2026-01-02T00:00:00Z"), STATUS,
        hard={"pods": "1", "limits.cpu": "99"},
    )  # fmt: skip
    assert owned_part(live)["spec"] == {"hard": {"pods": "1"}}
    assert foreign_paths(live) == {"spec.hard.limits.cpu"}
    assert last_writer(live) == "kubectl-edit"


def test_a_field_that_both_own_is_not_foreign() -> None:
    live = quota(entry(OURS, WHOLE), entry("helm", THEIRS), hard={"pods": "1", "limits.cpu": "2"})
    assert foreign_paths(live) == frozenset()


def test_the_create_and_the_apply_of_ours_add_up() -> None:
    live = quota(
        entry(OURS, LESS), entry(OURS, THEIRS, operation="Update"), hard={"pods": "1", "limits.cpu": "2"}
    )  # fmt: skip
    assert owned_part(live)["spec"] == {"hard": {"pods": "1", "limits.cpu": "2"}}


def test_items_of_keyed_lists_are_found_by_their_keys() -> None:
    fields = {"f:secrets": {'k:{"name":"b"}': {".": {}, "f:name": {}}, 'v:"x"': {}}}
    live = {"apiVersion": "v1", "kind": "ServiceAccount", "secrets": [{"name": "a"}, {"name": "b"}, "x", "y"],
            "metadata": {"name": "s", "managedFields": [entry(OURS, fields)]}}  # fmt: skip
    assert owned_part(live)["secrets"] == [{"name": "b"}, "x"]


def test_nothing_is_told() -> None:
    live = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}
    assert last_writer(live) == "unknown"
    assert owned_part(live)["metadata"] == {"name": "c"}
