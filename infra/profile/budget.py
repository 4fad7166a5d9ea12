"""Section `budget` of a profile: what the installation may cost."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from infra.profile.common import Closed


class Budget(Closed):
    """A plan above it is refused."""

    monthly: Annotated[float, Field(gt=0)]
    """In the currency of the price file (US dollars)."""
