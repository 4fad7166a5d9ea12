"""Costs of a profile: budgets that refuse before anything is made, and prices asked anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from infra.installation.home import Home
from infra.lifecycle import costs
from infra.lifecycle.errors import LifecycleError, Refused
from infra.lifecycle.up import install
from infra.prices import files
from infra.profile.load import load


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MLP_HOME", str(tmp_path / "homes"))


class PriceApi:
    """A cloud that knows some prices. Stands for its SDK, which needs credentials."""

    def __init__(self, known: Mapping[str, float]) -> None:
        self.known = known
        self.asked: list[str] = []

    def prices(self, skus: Sequence[str]) -> Mapping[str, float]:
        self.asked += skus
        return {sku: self.known[sku] for sku in skus if sku in self.known}


@pytest.mark.parametrize("name", ["aws", "gcp", "azure"])
def test_every_cloud_has_a_complete_price_at_its_smallest(name: str) -> None:
    found = costs.cost_of(load(name))
    assert found is not None
    assert found.unknown == ()
    assert 300 < found.total.monthly < 1500
    assert sum(part.monthly for part in found.by_component()) == pytest.approx(found.total.monthly)


def test_own_machines_have_no_price() -> None:
    assert [costs.cost_of(load(name)) for name in ("local", "existing", "onprem")] == [None, None, None]
    costs.refuse_over_budget(load("local", ["budget.monthly=1"]))


def test_up_over_the_budget_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    profile = load("aws", ["budget.monthly=10"])
    with pytest.raises(Refused, match=r"above the budget of 10\.00"):
        install(profile, Home("aws"), lambda event: pytest.fail(f"{event} happened"))
    assert not (tmp_path / "homes").exists()
    costs.refuse_over_budget(load("aws", ["budget.monthly=5000"]))


def test_a_refresh_asks_for_all_of_the_bill_and_changes_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    profile = load("aws", ["aws.size=medium"])
    api = PriceApi({"m7i.xlarge": 100.0, "m7i.2xlarge:spot": 0.2})
    monkeypatch.setattr(costs, "open_cloud", lambda _: api)
    before = costs.cost_of(profile)
    done = costs.refresh(profile)
    after = costs.cost_of(profile)
    assert before is not None
    assert after is not None
    assert {line.item.sku for line in before.lines} <= set(api.asked)
    assert before.unknown == ("m7i.2xlarge:spot",)
    assert after.unknown == ()
    assert after.prices.of("m7i.xlarge") == 100.0
    assert (done["prices"], done["region"]) == (2, "eu-central-1")
    assert "gp3" in done["missing"]
    listed = {price["sku"]: price for price in costs.listed("aws") if price["region"] == "eu-central-1"}
    assert listed["m7i.xlarge"]["source"] == "AWS Price List API"
    assert listed["gp3"]["source"] == "public list price"


def test_an_api_that_knows_nothing_leaves_the_prices_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(costs, "open_cloud", lambda _: PriceApi({}))
    with pytest.raises(LifecycleError, match="knows none"):
        costs.refresh(load("gcp"))
    assert not files.refreshed_file(tmp_path / "cache", "gcp").exists()
    with pytest.raises(LifecycleError, match="has no price list"):
        costs.refresh(load("local"))
