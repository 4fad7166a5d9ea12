"""Buckets, as root over S3: whose they are, their policy, and their end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from controlplane.storage.credentials import Credentials
from controlplane.storage.emptying import empty_and_delete
from controlplane.storage.errors import StorageRefused
from controlplane.storage.translated import translated

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

UID_TAG = "mlp-workspace-uid"


class Buckets:
    """Root's view of the S3 server; threads may share it."""

    def __init__(self, url: str, region: str, root: Credentials) -> None:
        settings = Config(
            connect_timeout=5, read_timeout=30, retries={"max_attempts": 3, "mode": "standard"},
            s3={"addressing_style": "path"}, max_pool_connections=16, proxies={},
        )  # fmt: skip
        self._s3: S3Client = boto3.session.Session().client(
            "s3", endpoint_url=url, region_name=region, config=settings,
            aws_access_key_id=root.access, aws_secret_access_key=root.secret,
        )  # fmt: skip

    def close(self) -> None:
        """Closes every connection."""
        self._s3.close()

    def uid(self, bucket: str) -> tuple[bool, str | None]:
        """Whether the bucket exists, and which workspace's it is; None where it says nothing."""
        try:
            with translated("GetBucketTagging"):
                tags = self._s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
        except StorageRefused as error:
            if error.code == "NoSuchBucket":
                return False, None
            if error.code in ("NoSuchTagSet", "NoSuchTagSetError"):
                return True, None
            raise
        return True, next((tag["Value"] for tag in tags if tag["Key"] == UID_TAG), None)

    def mark(self, bucket: str, uid: str) -> None:
        """Writes on the bucket whose it is."""
        with translated("PutBucketTagging"):
            self._s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": UID_TAG, "Value": uid}]})

    def has_policy(self, bucket: str, wanted: dict[str, Any]) -> bool:
        """Whether the bucket's policy is exactly this one."""
        try:
            with translated("GetBucketPolicy"):
                found = self._s3.get_bucket_policy(Bucket=bucket)["Policy"]
        except StorageRefused as error:
            if error.code in ("NoSuchBucketPolicy", "NoSuchBucket"):
                return False
            raise
        return bool(json.loads(found) == wanted)

    def set_policy(self, bucket: str, wanted: dict[str, Any]) -> None:
        """Replaces the bucket's policy."""
        with translated("PutBucketPolicy"):
            self._s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(wanted))

    def remove(self, bucket: str, *, seconds: float) -> None:
        """Empties the bucket, all versions and unfinished uploads, and deletes it. Absent is fine.

        StillEmptying after `seconds`: what is left waits for the next call.
        """
        empty_and_delete(self._s3, bucket, seconds=seconds)
