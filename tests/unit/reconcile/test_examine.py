"""Drift told from one object alone."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from components.contract import KubernetesObject
from controlplane.reconcile.desired import desired_objects
from controlplane.reconcile.examine import drifted_fields, generation
from tests.unit.reconcile.samples import FACTS, SPEC

OURS = "mlp-control-plane"
EVERY = {f"{o['kind']}/{o['metadata']['name']}": o for o in desired_objects(SPEC, FACTS, (), {"KEY": "value"})}


def fields_of(value: Any) -> dict[str, Any]:
    """The fieldsV1 set of an applied value, as for atomic lists."""
    return {f"f:{name}": fields_of(part) if isinstance(part, dict) and part else {} for name, part in value.items()}


def live(name: str) -> KubernetesObject:
    obj = copy.deepcopy(EVERY[name])
    applied = {k: v for k, v in obj.items() if k not in ("apiVersion", "kind", "metadata")}
    applied["metadata"] = {k: v for k, v in obj["metadata"].items() if k in ("labels", "annotations")}
    obj["metadata"]["managedFields"] = [{"manager": OURS, "operation": "Apply", "fieldsV1": fields_of(applied)}]
    return obj


def steal(obj: KubernetesObject, *path: str, value: Any) -> KubernetesObject:
    """What the API server makes of another manager's change: the value, their entry, and our set without the field."""
    at, ours, theirs = obj, obj["metadata"]["managedFields"][0]["fieldsV1"], {}
    entry = theirs
    for part in path[:-1]:
        at = at.setdefault(part, {})
        ours = ours.get(f"f:{part}", {})
        entry = entry.setdefault(f"f:{part}", {})
    ours.pop(f"f:{path[-1]}", None)
    if value is None:
        del at[path[-1]]
    else:
        at[path[-1]] = value
        entry[f"f:{path[-1]}"] = {}
        obj["metadata"]["managedFields"].append({"manager": "them", "operation": "Update", "fieldsV1": theirs})
    return obj


@pytest.mark.parametrize("name", EVERY)
def test_as_applied(name: str) -> None:
    assert drifted_fields(live(name)) == ()


def test_metadata_of_a_secret_is_enough() -> None:
    secret = live("Secret/storage")
    del secret["data"], secret["type"], secret["immutable"]
    assert drifted_fields(secret) == ()


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("ResourceQuota/compute", ("spec", "hard", "pods"), "999"),
        ("NetworkPolicy/default-deny", ("spec", "ingress"), [{}]),
        ("NetworkPolicy/allow-dns", ("spec", "ingress"), [{}]),
        ("ServiceAccount/default", ("automountServiceAccountToken",), True),
        ("Namespace/ws-acme--research", ("metadata", "labels", "mlp.io/tenant"), "other"),
    ],
)
def test_changed_or_added(name: str, path: tuple[str, ...], value: Any) -> None:
    before = live(name)
    from controlplane.reconcile.ownership import owned_paths

    known = owned_paths(before)
    assert drifted_fields(steal(live(name), *path, value=value), known) == (".".join(path),)


def test_taken_away_is_named_from_what_was_known() -> None:
    from controlplane.reconcile.ownership import owned_paths

    name, path = "ResourceQuota/compute", ("spec", "hard", "pods")
    known = owned_paths(live(name))
    assert drifted_fields(steal(live(name), *path, value=None), known) == ("spec.hard.pods",)
    assert drifted_fields(steal(live(name), *path, value=None)) == ("(unknown)",), "seen for the first time"


def test_what_carries_our_labels_and_is_not_ours() -> None:
    obj = live("NetworkPolicy/allow-dns")
    obj["metadata"]["managedFields"][0]["manager"] = "them"
    assert drifted_fields(obj) == ("(not wanted)",)


@pytest.mark.parametrize("path", [("metadata", "annotations", "other.io/note"), ("metadata", "labels", "other")])
def test_notes_of_others_are_no_drift(path: tuple[str, ...]) -> None:
    assert drifted_fields(steal(live("NetworkPolicy/allow-dns"), *path, value="x")) == ()


def test_secrets_of_an_account_are_no_drift() -> None:
    assert drifted_fields(steal(live("ServiceAccount/default"), "secrets", value=[{"name": "x"}])) == ()


@pytest.mark.parametrize(("label", "number"), [("3", 3), ("", 0), ("x", 0), (None, 0)])
def test_generation(label: str | None, number: int) -> None:
    assert generation({"metadata": {"labels": {"mlp.io/generation": label}}}) == number
