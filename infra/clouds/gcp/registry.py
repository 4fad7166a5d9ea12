"""Login to the project's image registry (Artifact Registry)."""

from __future__ import annotations

import google.auth
import google.auth.exceptions
import google.auth.transport.requests

from infra.clouds.model import CloudError
from infra.profile.model import Profile
from infra.supply.push import Credentials

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"


def login(profile: Profile) -> Credentials:
    """An access token of the application default credentials, for an hour. Raises CloudError."""
    del profile
    try:
        credentials, _ = google.auth.default(scopes=[_SCOPE])
        credentials.refresh(google.auth.transport.requests.Request())
    except google.auth.exceptions.GoogleAuthError as error:
        raise CloudError(
            f"Google gives no access token: {error}. Run: gcloud auth application-default login"
        ) from error
    return Credentials("oauth2accesstoken", str(credentials.token))
