"""From a profile to its cloud. The SDKs are imported only here, when they are needed."""

from __future__ import annotations

import importlib
from types import ModuleType

from infra.clouds.model import Cloud, SdkMissing
from infra.profile.model import Profile
from infra.supply.logins import kept_login
from infra.supply.push import Credentials


def open_cloud(profile: Profile) -> Cloud:
    """The cloud of a profile whose target is one. Raises CloudError, SdkMissing among them."""
    if profile.cloud is None:
        raise ValueError(f"target {profile.target!r} is no cloud")
    made: Cloud = _module(profile, "cloud").open_cloud(profile)
    return made


def registry_login(profile: Profile) -> Credentials | None:
    """Who pushes to the profile's registry: the cloud's own login, or the one that container tools keep.

    Raises CloudError or PushFailed.
    """
    if profile.cloud is None:
        return kept_login(profile.supply.registry.partition("/")[0])
    made: Credentials = _module(profile, "registry").login(profile)
    return made


def _module(profile: Profile, part: str) -> ModuleType:
    try:
        return importlib.import_module(f"infra.clouds.{profile.target}.{part}")
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing.startswith("infra"):
            raise
        raise SdkMissing(profile.target, missing) from error
