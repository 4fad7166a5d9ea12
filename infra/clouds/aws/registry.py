"""Login to the account's image registry (ECR)."""

from __future__ import annotations

import base64

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra.clouds.model import CloudError
from infra.profile.model import Profile
from infra.supply.push import Credentials


def login(profile: Profile) -> Credentials:
    """A token for twelve hours. Raises CloudError."""
    if profile.aws is None:
        raise ValueError("not a profile for aws")
    try:
        client = boto3.client("ecr", region_name=profile.aws.region)
        given = client.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    except (BotoCoreError, ClientError) as error:
        raise CloudError(f"ECR gives no token: {error}. It takes the right ecr:GetAuthorizationToken.") from error
    user, _, password = base64.b64decode(given).decode().partition(":")
    return Credentials(user, password)
