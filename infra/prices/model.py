"""What a unit of each SKU costs, by region, with the source and the date of every region's prices. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class _Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RegionPrices(_Closed):
    """Prices of one region of a cloud."""

    source: Annotated[str, Field(min_length=1)]
    """Where they come from, such as `public list price`."""
    date: date
    """The day for which they were looked up."""
    prices: dict[str, Annotated[float, Field(ge=0)]]
    """SKU → currency for one unit; the unit is that of the bill's item."""


class PriceFile(_Closed):
    """One cloud's price file."""

    cloud: str
    currency: str = "USD"
    regions: dict[str, RegionPrices]


@dataclass(frozen=True)
class PriceList:
    """The prices that count for one installation. Empty where nobody knows any."""

    currency: str
    region: str
    source: str
    """Empty where the region has no prices."""
    date: date | None
    prices: Mapping[str, float]


def price_list(region: str, files: tuple[PriceFile, ...]) -> PriceList:
    """The newest price of every SKU in the region: a refreshed file may know only some of them.

    Source and date are those of each file that gave one, the oldest date first: a sum is as old as its oldest part.
    """
    known = sorted((file.regions[region] for file in files if region in file.regions), key=lambda each: each.date)
    prices: dict[str, float] = {}
    origin: dict[str, RegionPrices] = {}
    for each in known:
        prices |= each.prices
        origin |= dict.fromkeys(each.prices, each)
    used = [each for each in known if any(found is each for found in origin.values())]
    return PriceList(
        currency=files[0].currency if files else "USD",
        region=region,
        source=", ".join(dict.fromkeys(each.source for each in used)),
        date=used[0].date if used else None,
        prices=prices,
    )
