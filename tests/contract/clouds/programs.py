"""The profiles that these tests run."""

from __future__ import annotations

import json

from infra.profile.load import load
from infra.profile.model import Profile

CLOUDS = ("aws", "gcp", "azure")
SIZES = ("small", "medium", "large")
TAGS = {"aws": "mlp:installation", "gcp": "mlp-installation", "azure": "mlp-installation"}
"""The tag or label that says whose a resource is."""


def profile(cloud: str, size: str = "small", *, keep: bool = False, team: str = "ml") -> Profile:
    """The shipped profile of a cloud, changed."""
    given = (f"{cloud}.size={size}", f"{cloud}.deletion_protection={json.dumps(keep)}", f"{cloud}.tags.team={team}")
    return load(cloud, given)
