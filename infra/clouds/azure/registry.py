"""Login to the platform's image registry (ACR): an Entra token is exchanged for one of the registry."""

from __future__ import annotations

import httpx
from azure.core.exceptions import AzureError
from azure.identity import DefaultAzureCredential

from infra.clouds.model import CloudError
from infra.profile.model import Profile
from infra.supply.push import Credentials

_SCOPE = "https://containerregistry.azure.net/.default"
_NOBODY = "00000000-0000-0000-0000-000000000000"
"""The user that says that the password is a refresh token."""


def login(profile: Profile) -> Credentials:
    """A refresh token for three hours. Raises CloudError."""
    if profile.azure is None:
        raise ValueError("not a profile for azure")
    host = profile.supply.registry.partition("/")[0]
    try:
        token = DefaultAzureCredential().get_token(_SCOPE, tenant_id=profile.azure.tenant).token
        answer = httpx.post(
            f"https://{host}/oauth2/exchange",
            data={
                "grant_type": "access_token",
                "service": host,
                "tenant": profile.azure.tenant,
                "access_token": token,
            },
            timeout=30,
        )
        answer.raise_for_status()
    except (AzureError, httpx.HTTPError) as error:
        raise CloudError(f"The registry {host} gives no token: {error}. It takes the role AcrPush.") from error
    return Credentials(_NOBODY, str(answer.json()["refresh_token"]))
