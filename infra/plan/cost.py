"""A bill and a price list → what the installation costs, hour by hour and month by month. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from infra.clusters.bill import HOURS, Item, monthly
from infra.prices.model import PriceList
from infra.profile.model import Profile


@dataclass(frozen=True)
class Line:
    """One item with its price. `price` is that of a unit, None where nobody knows it."""

    item: Item
    price: float | None

    @property
    def monthly(self) -> float | None:
        """Cost of a month; None where the price is unknown."""
        return None if self.price is None else monthly(self.item) * self.price

    @property
    def hourly(self) -> float | None:
        """The month's cost spread over its hours."""
        return None if self.monthly is None else self.monthly / HOURS


@dataclass(frozen=True)
class Part:
    """The sum of some lines. `at_least`: a price is missing in it."""

    name: str
    monthly: float
    at_least: bool

    @property
    def hourly(self) -> float:
        return self.monthly / HOURS


@dataclass(frozen=True)
class Cost:
    """What an installation costs, as far as prices are known."""

    lines: tuple[Line, ...]
    prices: PriceList

    @property
    def total(self) -> Part:
        return _sum("total", self.lines)

    @property
    def unknown(self) -> tuple[str, ...]:
        """SKUs without a price, each once."""
        return tuple(dict.fromkeys(line.item.sku for line in self.lines if line.price is None))

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What quantities take for granted, after the item's name, each once."""
        lines = (f"{line.item.name}: {line.item.assumption}" for line in self.lines if line.item.assumption)
        return tuple(dict.fromkeys(lines))

    def by_group(self) -> tuple[Part, ...]:
        """Sums by group of the bill, in the bill's order."""
        return self._by(lambda line: line.item.group)

    def by_component(self) -> tuple[Part, ...]:
        """Sums by component of the platform, in the bill's order."""
        return self._by(lambda line: line.item.component)

    def _by(self, key: Callable[[Line], str]) -> tuple[Part, ...]:
        names = dict.fromkeys(key(line) for line in self.lines)
        return tuple(_sum(name, (line for line in self.lines if key(line) == name)) for name in names)

    def document(self) -> dict[str, Any]:
        """The shape of `cost` in `plan --json`. Money is rounded: to cents a month, to 1/100 cents an hour."""
        return {
            "currency": self.prices.currency,
            "region": self.prices.region,
            "source": self.prices.source,
            "date": self.prices.date.isoformat() if self.prices.date else None,
            "hourly": round(self.total.hourly, 4),
            "monthly": round(self.total.monthly, 2),
            "at_least": self.total.at_least,
            "unknown": list(self.unknown),
            "assumptions": list(self.assumptions),
            "groups": [_part(part) for part in self.by_group()],
            "components": [_part(part) for part in self.by_component()],
            "lines": [
                {
                    "group": line.item.group,
                    "name": line.item.name,
                    "sku": line.item.sku,
                    "component": line.item.component,
                    "quantity": line.item.quantity,
                    "unit": line.item.unit,
                    "price": line.price,
                    "hourly": None if line.hourly is None else round(line.hourly, 4),
                    "monthly": None if line.monthly is None else round(line.monthly, 2),
                    "assumption": line.item.assumption,
                }
                for line in self.lines
            ],
        }


def cost(items: Iterable[Item], prices: PriceList) -> Cost:
    """Every item with its price."""
    return Cost(tuple(Line(item, prices.of(item.sku)) for item in items), prices)


def over_budget(profile: Profile, found: Cost) -> str:
    """Why the plan is refused; empty where the profile has no budget or it is kept.

    Prices that nobody knows count nothing: the plan says `at least` then.
    """
    budget, total = profile.budget, found.total
    if budget is None or total.monthly <= budget.monthly:
        return ""
    largest = sorted(found.by_group(), key=lambda part: -part.monthly)[:3]
    parts = ", ".join(f"{part.name} {part.monthly:.2f}" for part in largest)
    least = "at least " if total.at_least else ""
    return (
        f"The plan costs {least}{total.monthly:.2f} {found.prices.currency} a month, above the budget of "
        f"{budget.monthly:.2f} (budget.monthly). Most of it: {parts}. "
        "Choose a smaller size or fewer nodes, or raise the budget."
    )


def region(profile: Profile) -> str:
    """The region whose prices count; empty where the target is no cloud."""
    if profile.azure is not None:
        return profile.azure.location
    place = profile.aws or profile.gcp
    return place.region if place else ""


def _sum(name: str, lines: Iterable[Line]) -> Part:
    costs = [line.monthly for line in lines]
    return Part(name, sum(each for each in costs if each is not None), None in costs)


def _part(part: Part) -> dict[str, Any]:
    return {
        "name": part.name,
        "hourly": round(part.hourly, 4),
        "monthly": round(part.monthly, 2),
        "at_least": part.at_least,
    }
