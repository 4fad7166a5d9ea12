"""The authority of AWS's databases, kept beside the caches: programs need it, and plans are made without a network."""

from __future__ import annotations

from pathlib import Path

from infra.clouds.aws.authority import database_authority
from infra.installation.home import cache_root, write_private
from infra.profile.model import Profile


def fetch_authority(profile: Profile) -> None:
    """Gets it where it is not kept yet; nothing on other targets. Raises CloudError."""
    if profile.aws is not None and not _path(profile.aws.region).exists():
        path = _path(profile.aws.region)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_private(path, database_authority(profile.aws.region))


def kept_authority(profile: Profile) -> str:
    """PEM, or nothing before the first `up` on AWS and on other targets."""
    if profile.aws is None or not _path(profile.aws.region).exists():
        return ""
    return _path(profile.aws.region).read_text("ascii")


def _path(region: str) -> Path:
    return cache_root() / "authorities" / f"rds-{region}.pem"
