"""A plan on the screen: what happens to what, both values, money, and nothing wider than a hundred columns."""

from __future__ import annotations

from typing import Any

from infra.cli.plan_view import WIDTH, lines, summary, table


def counts(**of: int) -> dict[str, int]:
    return {"create": 0, "change": 0, "replace": 0, "destroy": 0, "same": 0, **of}


def resource(op: str, kind: str, name: str, *properties: dict[str, Any]) -> dict[str, Any]:
    return {"op": op, "kind": kind, "name": name, "properties": list(properties)}


def plan(**over: Any) -> dict[str, Any]:
    long = "x" * 300
    resources = [
        *(resource("create", "kubernetes:core/v1:ConfigMap", f"configmap/mlp/{n}-{'y' * 20}") for n in range(9)),
        resource(
            "replace",
            "aws:ec2/vpc:Vpc",
            "main",
            {"path": "cidrBlock", "before": "10.0.0.0/16", "after": "10.1.0.0/16", "replaces": True},
            {"path": "tags.note", "before": None, "after": long, "replaces": False},
        ),
        resource("destroy", "aws:ec2/eip:Eip", "old"),
    ]
    return {
        "notes": ["Nothing is installed yet: everything is created."],
        "steps": [
            {
                "name": "cluster",
                "title": "Make the cluster",
                "expected": 1500,
                "now": "not done yet",
                "counts": counts(create=9, replace=1, destroy=1, same=3),
                "resources": resources,
            }
        ],
        "total": counts(create=9, replace=1, destroy=1, same=3),
        "changes": [{"path": "aws.zones", "before": 3, "after": 2, "immutable": True}],
        "findings": [
            {"check": "a", "ok": True, "severity": "error", "message": "fine", "remedy": ""},
            {"check": "b", "ok": False, "severity": "error", "message": "No quota.", "remedy": "Ask for 8 vCPU."},
        ],
        "cost": None,
        "budget": None,
        "requests": [
            {"component": "tracking", "pods": 1, "cpu": 0.1, "memory": 2**29, "volumes": 0},
            {"component": "database", "pods": 2, "cpu": 0.2, "memory": 2**30, "volumes": 8 * 2**30},
        ],
        **over,
    }


COST = {
    "currency": "USD",
    "region": "eu-central-1",
    "source": "public list price",
    "date": "2025-06-01",
    "hourly": 0.5,
    "monthly": 365.0,
    "at_least": True,
    "unknown": ["db.huge"],
    "assumptions": ["100 GiB are sent"],
    "groups": [
        {"name": "nodes", "hourly": 0.5, "monthly": 365.0, "at_least": False},
        {"name": "database", "hourly": 0, "monthly": 0, "at_least": True},
    ],
    "components": [{"name": "cluster", "hourly": 0.5, "monthly": 365.0, "at_least": True}],
    "lines": [
        {
            "group": "nodes",
            "name": "system",
            "sku": "m7i.xlarge",
            "component": "cluster",
            "quantity": 2,
            "unit": "hour",
            "price": 0.25,
            "hourly": 0.5,
            "monthly": 365.0,
        },
        {
            "group": "database",
            "name": "main",
            "sku": "db.huge",
            "component": "database",
            "quantity": 1,
            "unit": "hour",
            "price": None,
            "hourly": None,
            "monthly": None,
        },
    ],
}


def test_it_says_what_happens_with_both_values_and_fits() -> None:
    shown = list(lines(plan(), every=False))
    assert max(map(len, shown)) <= WIDTH
    text = "\n".join(shown)
    assert "cluster: 9 to create, 1 to replace, 1 to destroy, 3 as they are" in text
    assert "  + ConfigMap (9): mlp/0-" in text
    assert "  ± Vpc main" in text
    assert "      cidrBlock: 10.0.0.0/16 → 10.1.0.0/16  (replaces it)" in text
    assert "      tags.note: (none) → xxx" in text
    assert "  - Eip: old" in text
    assert "aws.zones: 3 → 2  (cannot change)" in text
    assert "Preflight: 1 of 2 checks passed." in text
    assert "Ask for 8 vCPU." in text
    assert shown[-1] == "Plan: 9 to create, 1 to replace, 1 to destroy, 3 as they are."


def test_long_values_are_shown_from_where_they_differ() -> None:
    values = {
        "path": "spec.template.spec.initContainers[0].image",
        "before": "registry.example/mlp/platform/control-plane:0.1.0-aaaa",
        "after": "registry.example/mlp/platform/control-plane:0.1.0-bbbb",
        "replaces": False,
    }
    changed = resource("change", "kubernetes:apps/v1:Deployment", "deployment/mlp/one", values)
    step = {**plan()["steps"][0], "resources": [changed]}
    shown = list(lines(plan(steps=[step]), every=False))
    assert "          …control-plane:0.1.0-aaaa → …control-plane:0.1.0-bbbb" in shown
    far = {**values, "path": "p" * 80, "before": "a" * 90, "after": "b" * 90}
    step = {**step, "resources": [resource("change", "k:A", "one", far)]}
    shown = list(lines(plan(steps=[step]), every=False))
    assert max(map(len, shown)) <= WIDTH
    assert f"      {'p' * 80}:" in shown


def test_wide_names_every_resource_and_cuts_no_value() -> None:
    text = "\n".join(lines(plan(), every=True))
    assert text.count("  + ConfigMap mlp/") == 9
    assert "x" * 300 in text


def test_own_machines_have_requests_instead_of_a_price() -> None:
    text = "\n".join(lines(plan(), every=False))
    assert "tracking      1  0.10        0.50            -" in text
    assert "total         3  0.30        1.50            8" in text


def test_money_names_its_source_its_date_and_what_nobody_knows() -> None:
    shown = list(lines(plan(cost=COST, budget=400.0), every=False))
    assert max(map(len, shown)) <= WIDTH
    text = "\n".join(shown)
    assert "database                ?          ?" in text
    assert "total, at least   ≥ 0.500   ≥ 365.00" in text
    assert "Unknown price: db.huge." in text
    assert "Prices of eu-central-1: public list price, 2025-06-01." in text
    assert "Assumed: 100 GiB are sent." in text
    assert "Budget: 400.00 USD a month." in text
    assert "m7i.xlarge" in "\n".join(lines(plan(cost=COST), every=True))


def test_summary_of_nothing() -> None:
    assert summary(counts()) == "nothing to do"
    assert summary(counts(same=3)) == "3 as they are"


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert list(table(("A", "B"), [("long", "1"), ("s", "22")], frozenset({1}))) == ["A      B", "long   1", "s     22"]
