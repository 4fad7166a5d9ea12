"""Price files: those that come with the project, and the copies that `platform prices refresh` keeps in the cache.

infra/prices/<cloud>.yaml       shipped
$MLP_CACHE/prices/<cloud>.yaml  refreshed on this machine
"""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import yaml
from pydantic import ValidationError

from infra.prices.model import PriceFile, PriceList, RegionPrices, price_list

SHIPPED = Path(__file__).resolve().parent
CLOUDS = ("aws", "gcp", "azure")


class PricesInvalid(Exception):
    """A price file is not what it must be; the message names it and what to do."""


def shipped_file(cloud: str) -> Path:
    """The file that comes with the project."""
    return SHIPPED / f"{cloud}.yaml"


def refreshed_file(cache: Path, cloud: str) -> Path:
    """The copy of this machine, which may not be there."""
    return cache / "prices" / f"{cloud}.yaml"


def read(path: Path) -> PriceFile:
    """Raises PricesInvalid; FileNotFoundError where there is none."""
    try:
        return PriceFile.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except (ValidationError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise PricesInvalid(
            f"{path} is no price file: {error}\nDelete it and run: platform prices refresh --profile NAME"
        ) from error


def known(cloud: str, cache: Path) -> tuple[PriceFile, ...]:
    """The shipped file, then the refreshed one where there is one. Raises PricesInvalid."""
    refreshed = refreshed_file(cache, cloud)
    return (read(shipped_file(cloud)), *((read(refreshed),) if refreshed.exists() else ()))


def prices_for(cloud: str, region: str, cache: Path) -> PriceList:
    """What is known for a region. Raises PricesInvalid."""
    return price_list(region, known(cloud, cache))


def merged(before: PriceFile | None, cloud: str, region: str, fresh: RegionPrices) -> PriceFile:
    """The file with the region's prices taken from `fresh`; SKUs that `fresh` does not know go, for their date would
    be wrong. Other regions stay. Pure."""
    regions = dict(before.regions) if before else {}
    currency = before.currency if before else "USD"
    return PriceFile(cloud=cloud, currency=currency, regions=dict(sorted({**regions, region: fresh}.items())))


def write(path: Path, file: PriceFile) -> None:
    """Replaces the file, whole or not at all."""
    document = file.model_dump(mode="python")
    for each in document["regions"].values():
        each["prices"] = dict(sorted(each["prices"].items()))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), "utf-8")
    temporary.replace(path)


def fresh(prices: dict[str, float], source: str, today: date) -> RegionPrices:
    """What a price API answered."""
    return RegionPrices(source=source, date=today, prices=prices)
