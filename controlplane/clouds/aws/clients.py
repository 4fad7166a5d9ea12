"""Clients of the three services, with the identity of the control plane's own pod."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

from controlplane.storage.translated import translated as translated_by

S3, IAM, EKS = "s3", "iam", "eks"


@dataclass(frozen=True)
class Clients:
    """Threads may share them."""

    s3: Any
    iam: Any
    eks: Any

    @classmethod
    def connect(cls, region: str, endpoints: Mapping[str, str] | None = None) -> Clients:
        """`endpoints`: service → URL, where it is not the region's own."""
        settings = Config(
            connect_timeout=5, read_timeout=30, retries={"max_attempts": 3, "mode": "standard"}, max_pool_connections=16
        )
        session = boto3.session.Session(region_name=region)
        made = [
            session.client(service, config=settings, endpoint_url=(endpoints or {}).get(service))  # type: ignore[call-overload]
            for service in (S3, IAM, EKS)
        ]
        return cls(*made)

    def close(self) -> None:
        """Closes every connection."""
        for client in (self.s3, self.iam, self.eks):
            client.close()


@contextmanager
def translated(call: str) -> Iterator[None]:
    """botocore's errors as ours."""
    with translated_by(call, "AWS"):
        yield
