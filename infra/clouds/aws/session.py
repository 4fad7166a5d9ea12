"""Clients of one account and region, patient but not for ever."""

from __future__ import annotations

from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

FAILED = (BotoCoreError, ClientError)
"""What a question to AWS may raise."""

_PATIENCE = Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 4})


class Session:
    """Credentials come from where AWS's own tools look; they are asked for with the first question."""

    def __init__(self, region: str) -> None:
        self.region = region
        self._session = boto3.Session(region_name=region)

    def client(self, service: str, region: str = "") -> Any:
        """`region`: another one than the profile's, for services that are in few."""
        return self._made(service, region or self.region)

    @cache  # noqa: B019 - a session lives as long as the command
    def _made(self, service: str, region: str) -> Any:
        return self._session.client(service, region_name=region, config=_PATIENCE)  # type: ignore[call-overload]


def said(error: Exception) -> str:
    """AWS's own words, shortened."""
    if isinstance(error, ClientError):
        found = error.response.get("Error", {})
        return f"{found.get('Code', 'Error')}: {found.get('Message', '')}"[:300]
    return str(error)[:300]


def code(error: Exception) -> str:
    """AWS's name of an error; empty where AWS did not answer."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""
