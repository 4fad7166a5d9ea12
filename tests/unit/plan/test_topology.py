"""The picture: well-formed and complete in itself, everything in its box, marks by what happens, words for all."""

from __future__ import annotations

from datetime import date
from xml.etree import ElementTree

import pytest

from infra.clusters.bill import Item
from infra.plan.cost import Cost, cost
from infra.plan.difference import ResourceChange
from infra.plan.drawing import Box, Frame, Picture, description, html, svg
from infra.plan.topology import Thing, things, topology
from infra.prices.model import Price, PriceList
from infra.profile.load import load

SVG = "{http://www.w3.org/2000/svg}"
ITEMS = (
    Item("nodes", "system", "m", 2, "hour"),
    Item("database", "server", "db", 1, "hour", "database"),
    Item("storage", "artifacts", "objects", 500, "GiB-month", "tracking"),
)
PRICES = PriceList(
    "USD", "eu-central-1", {"m": Price(0.1, "list", date(2025, 6, 1)), "objects": Price(0.02, "list", date(2025, 6, 1))}
)


def bill() -> Cost:
    return cost(ITEMS, PRICES)


CLUSTER = (
    Thing("Vpc", "main", ""),
    Thing("Cluster", "cluster", "change"),
    Thing("NodeGroup", "system", "replace"),
    Thing("NodeGroup", "gpu", "create"),
    Thing("Instance", "database", ""),
    Thing("Bucket", "artifacts", "destroy"),
    Thing("Zone", "zone", ""),
)
COMPONENTS = (Thing("Deployment", "deployment/mlp-tracking/tracking", "create"),)


def texts(document: str) -> list[str]:
    root = ElementTree.fromstring(document)  # noqa: S314 - written by the code under test
    return [element.text or "" for element in root.iter(f"{SVG}text")]


def test_the_svg_is_well_formed_named_and_asks_for_nothing() -> None:
    document = svg(topology(load("aws"), CLUSTER, COMPONENTS, bill()))
    root = ElementTree.fromstring(document)  # noqa: S314 - written by the code under test
    assert root.get("role") == "img"
    titles = [root.find(f"{SVG}{name}") for name in ("title", "desc")]
    assert [title is not None and title.get("id") for title in titles] == root.get("aria-labelledby", "").split()
    assert document.count("http") == 1
    assert "href" not in document
    assert "<script" not in document


def test_it_shows_places_machines_data_money_and_tenants() -> None:
    found = texts(svg(topology(load("aws"), CLUSTER, COMPONENTS, bill())))
    for expected in (
        "Region eu-central-1",
        "Network 10.40.0.0/16",
        "system",
        "gpu",
        "2 of m on average",
        "146.00 a month",
        "PostgreSQL",
        "price unknown",
        "Tenant demo",
        "mlp-tracking",
        "ml.example.com",
        "At least 156.00 USD a month",
        "Prices: list, 2025-06-01, region eu-central-1.",
    ):
        assert expected in found, expected


def test_marks_say_what_happens() -> None:
    words = description(topology(load("aws"), CLUSTER, COMPONENTS, bill()))
    assert "system (to replace)" in words
    assert "gpu (to create)" in words
    assert "Buckets (to destroy)" in words
    assert "PostgreSQL: database" in words


def test_pools_that_a_component_scales_are_boxes_of_their_own() -> None:
    pools = (Thing("NodePool", "nodepool/spot", "create"), Thing("NodePool", "nodepool/gpu", "change"))
    words = description(topology(load("aws"), CLUSTER, (*COMPONENTS, *pools), bill()))
    assert "spot (to create)" in words
    assert "gpu (to change)" in words, "the more drastic of the group and the pool"


@pytest.mark.parametrize("name", ["local", "existing", "onprem"])
def test_other_targets_have_pictures_without_money(name: str) -> None:
    hosts = (Thing("Host", "node1", "create"), Thing("ControlPlane", "node1", "create"))
    found = texts(svg(topology(load(name), hosts, COMPONENTS, None)))
    assert "mlp-tracking" in found
    assert not any("month" in text for text in found)


def test_boxes_lie_within_the_sheet_and_texts_within_their_width() -> None:
    long = "a very long text of many words " * 6
    picture = Picture("t", "s", ((1, (Frame("f", (Box(long, (long, "x" * 200)), Box("b"), Box("c")), 2),)),))
    root = ElementTree.fromstring(svg(picture))  # noqa: S314 - written by the code under test
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    for box in root.iter(f"{SVG}rect"):
        x, y, wide, high = (float(box.get(name, 0)) for name in ("x", "y", "width", "height"))
        assert x >= 0
        assert x + wide <= width
        assert y + high <= height
    lengths = [len(text) for text in texts(svg(picture))]
    assert max(lengths) < width / 2 / 6


def test_names_cannot_break_out_of_the_document() -> None:
    picture = Picture("<script>", "&", ((1, (Box('"><script>alert(1)</script>', ("</svg>",)),)),))
    assert "<script" not in svg(picture)
    assert "<script" not in html(picture)
    assert svg(picture).count("</svg>") == 1


def test_things_take_their_mark_from_the_changes_and_those_that_go_are_kept() -> None:
    declared = [("urn:a", "aws:ec2/vpc:Vpc", "main"), ("urn:b", "aws:ec2/eip:Eip", "exit")]
    changes = [
        ResourceChange("change", "aws:ec2/vpc:Vpc", "main", "urn:a"),
        ResourceChange("destroy", "aws:ec2/eip:Eip", "old", "urn:c"),
    ]
    assert things(declared, changes) == (
        Thing("Vpc", "main", "change"),
        Thing("Eip", "exit", ""),
        Thing("Eip", "old", "destroy"),
    )
