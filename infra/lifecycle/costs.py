"""What a profile's installation costs by the price files, the budget's refusal, and newer prices from the clouds."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.clouds.opening import open_cloud
from infra.clusters.programs import bill
from infra.installation.home import cache_root
from infra.lifecycle.errors import LifecycleError, Refused
from infra.plan.cost import Cost, cost, over_budget, region
from infra.prices import files
from infra.prices.model import PriceFile, price_list
from infra.profile.model import Profile

SOURCES = {"aws": "AWS Price List API", "gcp": "Cloud Billing Catalog API", "azure": "Azure Retail Prices API"}


def cost_of(profile: Profile) -> Cost | None:
    """Offline. None where the target is no cloud: nobody knows what your own machines cost.

    Raises ClusterError where the cloud's SDK is missing, PricesInvalid for a broken price file.
    """
    if profile.cloud is None:
        return None
    return cost(bill(profile), files.prices_for(profile.target, region(profile), cache_root()))


def refuse_over_budget(profile: Profile) -> None:
    """Raises Refused where the profile's budget is below what its installation costs."""
    if profile.budget is None:
        return
    found = cost_of(profile)
    why = over_budget(profile, found) if found else ""
    if why:
        raise Refused(why)


def refresh(profile: Profile, path: Path | None = None) -> dict[str, Any]:
    """Asks the cloud for the prices of everything that the profile's bill can name, in its region.

    Writes this machine's copy, or `path`. Gives path, region, prices, missing. Raises LifecycleError, CloudError.
    """
    if profile.cloud is None:
        raise LifecycleError(f"Target {profile.target!r} has no price list. Give the profile of a cloud.")
    place = region(profile)
    known = files.prices_for(profile.target, place, cache_root())
    skus = sorted({*known.prices, *(item.sku for item in bill(profile))})
    answered = dict(open_cloud(profile).prices(skus))
    if not answered:
        raise LifecycleError(f"The price API knows none of the {len(skus)} SKUs of {profile.target} in {place}.")
    target = path or files.refreshed_file(cache_root(), profile.target)
    before: PriceFile | None = files.read(target) if target.exists() else None
    fresh = files.fresh(answered, SOURCES[profile.target], datetime.now(UTC).date())
    files.write(target, files.merged(before, profile.target, place, fresh))
    return {
        "path": str(target),
        "region": place,
        "prices": len(answered),
        "missing": [sku for sku in skus if sku not in answered],
    }


def listed(cloud: str | None = None) -> list[dict[str, Any]]:
    """Every known price: cloud, region, sku, price, currency, source, date."""
    found = []
    for name in (cloud,) if cloud else files.CLOUDS:
        known = files.known(name, cache_root())
        for place in sorted({place for file in known for place in file.regions}):
            prices = price_list(place, known)
            found += [
                {
                    "cloud": name,
                    "region": place,
                    "sku": sku,
                    "price": price.value,
                    "currency": prices.currency,
                    "source": price.source,
                    "date": price.date.isoformat(),
                }
                for sku, price in sorted(prices.prices.items())
            ]
    return found
