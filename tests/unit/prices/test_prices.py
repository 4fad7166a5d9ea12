"""Price files: what ships is valid, the newest price counts, a refresh keeps other regions."""

from __future__ import annotations

import importlib
from datetime import date
from pathlib import Path

import pytest

from infra.prices.files import CLOUDS, PricesInvalid, fresh, known, merged, prices_for, read, refreshed_file, write
from infra.prices.files import shipped_file as shipped
from infra.prices.model import PriceFile, RegionPrices, price_list


def region(day: int, source: str = "public list price", **prices: float) -> RegionPrices:
    return RegionPrices(source=source, date=date(2025, 1, day), prices=prices)


@pytest.mark.parametrize("cloud", CLOUDS)
def test_shipped_files_have_two_regions_with_the_same_skus(cloud: str) -> None:
    file = read(shipped(cloud))
    assert (file.cloud, file.currency, len(file.regions)) == (cloud, "USD", 2)
    first, second = file.regions.values()
    assert set(first.prices) == set(second.prices)
    assert first.source == "public list price"
    assert min(*first.prices.values(), *second.prices.values()) > 0


@pytest.mark.parametrize("cloud", CLOUDS)
def test_all_that_our_profiles_use_has_a_price_but_spot_machines(cloud: str) -> None:
    bill = importlib.import_module(f"infra.clusters.{cloud}.bill")
    prices = next(iter(read(shipped(cloud)).regions.values())).prices
    assert [sku for sku in bill.SKUS if sku not in prices and "spot" not in sku] == []


def test_the_newest_price_of_each_sku_counts_and_the_oldest_date_is_told() -> None:
    old = PriceFile(cloud="aws", regions={"r": region(1, a=1.0, b=2.0)})
    new = PriceFile(cloud="aws", regions={"r": region(9, "price API", a=1.5), "other": region(9, c=1.0)})
    found = price_list("r", (new, old))
    assert (found.of("a"), found.of("b"), found.of("c")) == (1.5, 2.0, None)
    assert (found.source, found.date) == ("public list price, price API", date(2025, 1, 1))
    newer_for_all = PriceFile(cloud="aws", regions={"r": region(9, "price API", a=1.5, b=3.0)})
    assert price_list("r", (old, newer_for_all)).date == date(2025, 1, 9)


def test_a_region_that_nobody_knows_has_no_prices() -> None:
    found = price_list("moon", (read(shipped("aws")),))
    assert (dict(found.prices), found.source, found.date) == ({}, "", None)


def test_a_refreshed_copy_is_written_read_and_used(tmp_path: Path) -> None:
    before = prices_for("aws", "eu-central-1", tmp_path)
    path = refreshed_file(tmp_path, "aws")
    kept = merged(None, "aws", "us-east-1", region(2, x=1.0))
    write(path, merged(kept, "aws", "eu-central-1", fresh({"gp3": 9.0}, "AWS Price List API", date(2026, 2, 3))))
    assert list(read(path).regions) == ["eu-central-1", "us-east-1"]
    after = prices_for("aws", "eu-central-1", tmp_path)
    assert (before.of("gp3"), after.of("gp3"), after.of("kms-key")) == (0.0952, 9.0, before.of("kms-key"))
    assert after.source == "public list price, AWS Price List API"
    assert len(known("aws", tmp_path)) == 2


def test_a_broken_copy_says_which_and_what_to_do(tmp_path: Path) -> None:
    path = refreshed_file(tmp_path, "gcp")
    path.parent.mkdir()
    path.write_text("cloud: gcp\nregions: {r: {source: s, date: 2025-01-01, prices: {a: -1}}}\n", "utf-8")
    with pytest.raises(PricesInvalid, match=r"gcp\.yaml is no price file.*\n*.*") as caught:
        known("gcp", tmp_path)
    assert "platform prices refresh" in str(caught.value)
