"""Cost: sums by group and component, unknown prices named, budgets that refuse."""

from __future__ import annotations

from datetime import date

import pytest

from infra.clusters.bill import HOURS, Item
from infra.plan.cost import cost, over_budget, region
from infra.prices.model import Price, PriceList
from infra.profile.load import load

PRICES = PriceList(
    "USD",
    "r",
    {
        sku: Price(value, "public list price", date(2025, 6, 1))
        for sku, value in {"m": 0.1, "disk": 0.08, "out": 0.09}.items()
    },
)
ITEMS = (
    Item("nodes", "system", "m", 2, "hour"),
    Item("nodes", "work", "m", 1, "hour", "workspaces"),
    Item("storage", "volumes", "disk", 200, "GiB-month", "workspaces"),
    Item("network", "internet", "out", 100, "GiB", assumption="100 GiB in a month"),
)


def test_sums_add_up_by_group_and_component() -> None:
    found = cost(ITEMS, PRICES)
    assert found.total.monthly == pytest.approx(3 * 0.1 * HOURS + 16 + 9)
    assert {part.name: round(part.monthly, 2) for part in found.by_group()} == {
        "nodes": 219.0,
        "storage": 16.0,
        "network": 9.0,
    }
    assert {part.name: round(part.monthly, 2) for part in found.by_component()} == {
        "cluster": 155.0,
        "workspaces": 89.0,
    }
    assert sum(part.monthly for part in found.by_group()) == pytest.approx(found.total.monthly)
    assert found.total.hourly * HOURS == pytest.approx(found.total.monthly)


def test_a_sku_without_a_price_is_named_and_the_total_is_at_least() -> None:
    found = cost((*ITEMS, Item("database", "main", "db.huge", 1, "hour")), PRICES)
    assert found.unknown == ("db.huge",)
    document = found.document()
    assert document["at_least"] is True
    assert document["monthly"] == 244.0
    assert [part["at_least"] for part in document["groups"]] == [False, False, False, True]
    assert (document["source"], document["date"]) == ("public list price", "2025-06-01")
    assert document["assumptions"] == ["internet: 100 GiB in a month"]


def test_a_budget_refuses_what_is_above_it() -> None:
    found = cost(ITEMS, PRICES)
    assert over_budget(load("aws"), found) == ""
    assert over_budget(load("aws", ["budget.monthly=244"]), found) == ""
    refusal = over_budget(load("aws", ["budget.monthly=243.99"]), found)
    assert "244.00 USD a month" in refusal
    assert "nodes 219.00" in refusal


def test_every_cloud_has_its_region() -> None:
    assert [region(load(name)) for name in ("aws", "gcp", "azure", "local")] == [
        "eu-central-1",
        "europe-west4",
        "westeurope",
        "",
    ]
