"""The Kubernetes quantities that settings use."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

_QUANTITY = re.compile(r"[1-9][0-9]*(\.[0-9]+)?(m|[kMGTPE]|[KMGTPE]i)?")


def _quantity(value: str) -> str:
    if not _QUANTITY.fullmatch(value):
        raise ValueError("must be a Kubernetes quantity greater than zero, such as 500m, 512Mi or 10Gi")
    return value


Quantity = Annotated[str, AfterValidator(_quantity)]
