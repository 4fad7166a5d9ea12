"""From a profile to its cloud. The SDKs are imported only here, when they are needed."""

from __future__ import annotations

import importlib

from infra.clouds.model import Cloud
from infra.profile.model import Profile


def open_cloud(profile: Profile) -> Cloud:
    """The cloud of a profile whose target is one. Raises CloudError, SdkMissing among them."""
    if profile.cloud is None:
        raise ValueError(f"target {profile.target!r} is no cloud")
    module = importlib.import_module(f"infra.clouds.{profile.target}.cloud")
    made: Cloud = module.open_cloud(profile)
    return made
