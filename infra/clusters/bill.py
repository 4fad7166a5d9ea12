"""What an installation on a cloud consumes, as data: the input of its cost. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Group = Literal["cluster", "nodes", "database", "storage", "network", "registry", "keys"]
Unit = Literal["hour", "GiB-month", "GiB", "month"]
"""`hour`: for each hour that one runs. `GiB-month`: for each GiB kept a month. `GiB`: for each GiB sent in a month.
`month`: a fixed charge."""


@dataclass(frozen=True)
class Item:
    """One line of the bill. A cloud's `bill(profile)` gives them; the price file says what a unit of `sku` costs."""

    group: Group
    name: str
    """Which one of the group, such as the pool's name."""
    sku: str
    """Key in the price file of this cloud and region, such as `m7i.xlarge` or `gp3`."""
    quantity: float
    unit: Unit
    component: str = "cluster"
    """Component of the platform that it is for (`tracking`, `database`, ...), or `cluster`, or `workspaces`."""
    assumption: str = ""
    """What the quantity takes for granted, in words."""


HOURS = 730.0
"""Hours of a month, as every cloud counts."""


def monthly(item: Item) -> float:
    """Units in a month."""
    return item.quantity * (HOURS if item.unit == "hour" else 1.0)
