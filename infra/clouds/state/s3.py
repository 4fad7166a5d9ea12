"""State in an S3 bucket, of AWS or of another server that speaks S3."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from infra.engine.folder import StateUnreachable

if TYPE_CHECKING:
    from infra.clouds.state.opening import Place

_MISSING = ("404", "NoSuchBucket", "NoSuchKey", "NotFound")
_NOT_OFFERED = ("NotImplemented", "501", "MethodNotAllowed")
_ENCRYPTION: Any = {
    "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}, "BucketKeyEnabled": True}]
}


class S3Folder:
    """Credentials are boto3's own: environment, profile, role."""

    def __init__(self, url: str, place: Place, region: str = "") -> None:
        options = place.options
        self._url = url
        self._bucket, self._prefix = place.bucket, f"{place.prefix}/" if place.prefix else ""
        self._region = options.get("region") or region or None
        self._endpoint = options.get("endpoint")
        style: Any = {"addressing_style": "path" if options.get("s3ForcePathStyle") == "true" else "auto"}
        self._client = boto3.Session(profile_name=options.get("profile"), region_name=self._region).client(
            "s3",
            endpoint_url=self._endpoint,
            config=Config(
                s3=style,
                retries={"mode": "standard", "max_attempts": 5},
                connect_timeout=10,
                read_timeout=60,
            ),
        )

    @property
    def url(self) -> str:
        return self._url

    def ensure(self) -> bool:
        with self._translated():
            try:
                self._client.head_bucket(Bucket=self._bucket)
            except ClientError as error:
                if _code(error) not in _MISSING:
                    raise
                self._make()
                return True
            versions = self._client.get_bucket_versioning(Bucket=self._bucket).get("Status")
        if versions != "Enabled":
            raise StateUnreachable(
                f"The bucket {self._bucket} keeps no old versions, so a damaged state could not be brought back.",
                remedy=f"aws s3api put-bucket-versioning --bucket {self._bucket} "
                "--versioning-configuration Status=Enabled",
            )
        return False

    def _make(self) -> None:
        region = self._client.meta.region_name
        if region in (None, "us-east-1"):
            self._client.create_bucket(Bucket=self._bucket)
        else:
            self._client.create_bucket(
                Bucket=self._bucket,
                CreateBucketConfiguration={"LocationConstraint": region},  # type: ignore[typeddict-item]
            )
        self._client.put_bucket_versioning(Bucket=self._bucket, VersioningConfiguration={"Status": "Enabled"})
        self._where_offered(
            lambda: self._client.put_public_access_block(
                Bucket=self._bucket,
                PublicAccessBlockConfiguration={
                    "BlockPublicAcls": True,
                    "BlockPublicPolicy": True,
                    "IgnorePublicAcls": True,
                    "RestrictPublicBuckets": True,
                },
            )
        )
        self._where_offered(
            lambda: self._client.put_bucket_encryption(
                Bucket=self._bucket, ServerSideEncryptionConfiguration=_ENCRYPTION
            )
        )

    def _where_offered(self, ask: Callable[[], object]) -> None:
        """Servers of others have no public access to block, and encrypt their disks in ways of their own."""
        try:
            ask()
        except ClientError as error:
            if self._endpoint is None or _code(error) not in _NOT_OFFERED:
                raise

    def names(self, prefix: str) -> tuple[str, ...]:
        with self._translated():
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix + prefix
            )
            try:
                found = [each["Key"].removeprefix(self._prefix) for page in pages for each in page.get("Contents", [])]
            except ClientError as error:
                if _code(error) not in _MISSING:
                    raise
                return ()
        return tuple(sorted(name for name in found if not name.endswith("/")))

    def read(self, name: str) -> str | None:
        with self._translated():
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)
            except ClientError as error:
                if _code(error) in _MISSING:
                    return None
                raise
            return answer["Body"].read().decode("utf-8")

    def write(self, name: str, text: str) -> None:
        with self._translated():
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=text.encode())

    def delete(self, name: str) -> None:
        with self._translated():
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + name)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (ClientError, BotoCoreError) as error:
            raise StateUnreachable(
                f"The bucket {self._bucket} of the state can't be used: {error}",
                remedy="Check the credentials (aws sts get-caller-identity), the bucket's name in state.backend, and "
                "its region (state.backend: s3://NAME?region=REGION).",
            ) from error


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
