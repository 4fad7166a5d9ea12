"""What a unit of each SKU costs, by region, with the source and the date of every region's prices. Pure."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class _Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class RegionPrices(_Closed):
    """Prices of one region of a cloud."""

    source: Annotated[str, Field(min_length=1)]
    """Where they come from, such as `public list price`."""
    date: datetime.date
    """The day for which they were looked up."""
    prices: dict[str, Annotated[float, Field(ge=0)]]
    """SKU → currency for one unit; the unit is that of the bill's item."""


class PriceFile(_Closed):
    """One cloud's price file."""

    cloud: str
    currency: str = "USD"
    regions: dict[str, RegionPrices]


@dataclass(frozen=True)
class Price:
    """One price with its origin."""

    value: float
    source: str
    date: datetime.date


@dataclass(frozen=True)
class PriceList:
    """The prices that count for one installation. Empty where nobody knows any."""

    currency: str
    region: str
    prices: Mapping[str, Price]

    @property
    def source(self) -> str:
        """Every source, that of the oldest price first; empty where there is no price."""
        by_age = sorted(self.prices.values(), key=lambda price: price.date)
        return ", ".join(dict.fromkeys(price.source for price in by_age))

    @property
    def date(self) -> datetime.date | None:
        """Of the oldest price: a sum is as old as its oldest part."""
        return min((price.date for price in self.prices.values()), default=None)

    def of(self, sku: str) -> float | None:
        """None where nobody knows it."""
        price = self.prices.get(sku)
        return None if price is None else price.value


def price_list(region: str, files: tuple[PriceFile, ...]) -> PriceList:
    """The newest price of every SKU in the region: a refreshed file may know only some of them."""
    known = sorted((file.regions[region] for file in files if region in file.regions), key=lambda each: each.date)
    prices: dict[str, Price] = {}
    for each in known:
        prices |= {sku: Price(value, each.source, each.date) for sku, value in each.prices.items()}
    return PriceList(files[0].currency if files else "USD", region, prices)
