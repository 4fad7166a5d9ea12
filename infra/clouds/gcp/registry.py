"""Login to the project's image registry (Artifact Registry)."""

from __future__ import annotations

from infra.clouds.gcp.session import credentials, refreshed
from infra.profile.model import Profile
from infra.supply.push import Credentials


def login(profile: Profile) -> Credentials:
    """An access token of the application default credentials, for an hour. Raises CloudError."""
    del profile
    return Credentials("oauth2accesstoken", str(refreshed(credentials()).token))
