"""Prices from answers as AWS's price API gives them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.stub import Stubber

from infra.clouds.aws.prices import _PRODUCTS, lowest, prices
from infra.clouds.aws.session import Session
from infra.clouds.model import CloudError
from infra.clusters.aws.bill import SKUS
from tests.unit.clouds.aws.conftest import REGION


def product(usage: str, *steps: tuple[str, str]) -> dict[str, Any]:
    dimensions = {
        f"r{index}": {"beginRange": begin, "pricePerUnit": {"USD": price}} for index, (begin, price) in enumerate(steps)
    }
    return {
        "product": {"attributes": {"usagetype": usage}},
        "terms": {"OnDemand": {"t": {"priceDimensions": dimensions}}},
    }


def test_every_key_of_the_bill_is_one_that_can_be_asked_for() -> None:
    machines = {sku for sku in SKUS if "." in sku}
    assert set(SKUS) - machines == set(_PRODUCTS)


def test_the_first_step_that_costs_something() -> None:
    listed = [product("EUC1-DataTransfer-Out-Bytes", ("10240", "0.085"), ("0", "0"), ("1", "0.09"))]
    assert lowest(listed, "DataTransfer-Out-Bytes") == 0.09


def test_other_usages_do_not_count() -> None:
    listed = [product("EUC1-UnusedBoxUsage:m7i.large", ("0", "0.5")), product("EUC1-BoxUsage:m7i.large", ("0", "0.12"))]
    assert lowest(listed, "BoxUsage:m7i.large") == 0.12
    assert lowest(listed, "BoxUsage:m7i.xlarge") is None
    assert lowest([product("BoxUsage:m7i.large", ("0", "0.1"))], "BoxUsage:m7i.large") == 0.1


def test_a_machine_is_asked_for_with_linux_in_the_region() -> None:
    session = Session(REGION)
    with Stubber(session.client("pricing", "us-east-1")) as stub:
        text = json.dumps(product("EUC1-BoxUsage:m7i.large", ("0", "0.12075")))
        wanted = {
            "capacitystatus": "Used",
            "instanceType": "m7i.large",
            "licenseModel": "No License required",
            "operatingSystem": "Linux",
            "preInstalledSw": "NA",
            "regionCode": REGION,
            "tenancy": "Shared",
        }
        filters = [{"Type": "TERM_MATCH", "Field": key, "Value": value} for key, value in wanted.items()]
        stub.add_response("get_products", {"PriceList": [text]}, {"ServiceCode": "AmazonEC2", "Filters": filters})
        assert prices(session, ["m7i.large", "no-such-thing"]) == {"m7i.large": 0.12075}
        stub.assert_no_pending_responses()


def test_spot_is_the_newest_of_each_zone_on_average() -> None:
    session = Session(REGION)
    history = [
        ("eu-central-1a", 2, "0.10"),
        ("eu-central-1a", 1, "0.90"),
        ("eu-central-1b", 1, "0.20"),
    ]
    with Stubber(session.client("ec2")) as stub:
        answer = [
            {"AvailabilityZone": zone, "Timestamp": datetime(2026, 1, day, tzinfo=UTC), "SpotPrice": price}
            for zone, day, price in history
        ]
        stub.add_response("describe_spot_price_history", {"SpotPriceHistory": answer})
        assert prices(session, ["m7i.large:spot"]) == {"m7i.large:spot": 0.15}


def test_a_refusal_names_the_right() -> None:
    session = Session(REGION)
    with Stubber(session.client("pricing", "us-east-1")) as stub:
        stub.add_client_error("get_products", "AccessDeniedException", "no")
        with pytest.raises(CloudError, match="pricing:GetProducts"):
            prices(session, ["gp3"])
