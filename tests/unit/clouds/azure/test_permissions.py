"""What Azure's permissions allow."""

from __future__ import annotations

import pytest

from infra.clouds.azure.needs import Cores, Machine, cores, lacking_zones
from infra.clouds.azure.permissions import Permission, missing
from infra.clouds.azure.prices import price, question
from infra.clusters.azure.bill import SKUS
from infra.clusters.azure.shape import shape
from infra.profile.load import load

WRITE, READ = "Microsoft.Storage/storageAccounts/write", "Microsoft.Storage/storageAccounts/read"


@pytest.mark.parametrize(
    ("permissions", "lacking"),
    [
        ([Permission(("*",))], ()),
        ([Permission(("*/read",))], (WRITE,)),
        ([Permission(("microsoft.storage/STORAGEACCOUNTS/*",))], ()),
        ([Permission(("*",), ("Microsoft.Storage/*/write",))], (WRITE,)),
        ([Permission(("*",), ("Microsoft.Storage/*/write",)), Permission((WRITE,))], ()),
        ([Permission(("Microsoft.Storage/storageAccounts",))], (READ, WRITE)),
        ([Permission(("Microsoft.Storage/storageAccounts/writeX",))], (READ, WRITE)),
        ([Permission(("MicrosoftxStorage/storageAccounts/write",))], (READ, WRITE)),
        ([], (READ, WRITE)),
    ],
)
def test_missing_actions(permissions: list[Permission], lacking: tuple[str, ...]) -> None:
    assert missing([WRITE, READ], permissions) == lacking


def test_cores_are_counted_by_family_and_spot_apart() -> None:
    made = shape(load("azure", ("azure.size=medium",)))
    known = {
        "Standard_D4s_v5": Machine("Standard_D4s_v5", "dsv5", 4, ("1", "2", "3")),
        "Standard_D8s_v5": Machine("Standard_D8s_v5", "dsv5", 8, ("1",)),
    }
    assert cores(made, known) == {
        "cores": Cores(3 * 4 + 1 * 8, 5 * 4 + 10 * 8),
        "dsv5": Cores(3 * 4 + 1 * 8, 5 * 4 + 10 * 8),
        "lowPriorityCores": Cores(0, 10 * 8),
    }
    assert lacking_zones(made.zones, known["Standard_D8s_v5"]) == ("2", "3")


def test_every_key_of_the_bill_is_a_question_to_the_price_list() -> None:
    assert [sku for sku in SKUS if question(sku) is None] == []
    assert question("no-such-key") is None
    assert question("postgres-Standard_X2") is None


def test_a_price_by_the_hundred_is_one_of_one() -> None:
    asked = question("Standard_D4s_v5")
    assert asked
    line = {"productName": "Dsv5", "meterName": "D4s v5", "retailPrice": 23.0, "unitOfMeasure": "100 Hours"}
    assert price(asked, [line]) == 0.23
    assert price(asked, [{**line, "unitOfMeasure": "1K Hours"}]) == 0.023
    assert price(asked, [{**line, "retailPrice": 0}]) is None
