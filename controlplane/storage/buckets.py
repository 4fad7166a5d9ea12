"""Buckets, as root over S3: whose they are, their policy, and their end."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from controlplane.storage.credentials import Credentials
from controlplane.storage.errors import StillEmptying, StorageAway, StorageRefused

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

UID_TAG = "mlp-workspace-uid"
_BATCH = 1000


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
            with _translated("GetBucketTagging"):
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
        with _translated("PutBucketTagging"):
            self._s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": UID_TAG, "Value": uid}]})

    def has_policy(self, bucket: str, wanted: dict[str, Any]) -> bool:
        """Whether the bucket's policy is exactly this one."""
        try:
            with _translated("GetBucketPolicy"):
                found = self._s3.get_bucket_policy(Bucket=bucket)["Policy"]
        except StorageRefused as error:
            if error.code in ("NoSuchBucketPolicy", "NoSuchBucket"):
                return False
            raise
        return bool(json.loads(found) == wanted)

    def set_policy(self, bucket: str, wanted: dict[str, Any]) -> None:
        """Replaces the bucket's policy."""
        with _translated("PutBucketPolicy"):
            self._s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(wanted))

    def remove(self, bucket: str, *, seconds: float) -> None:
        """Empties the bucket, all versions and unfinished uploads, and deletes it. Absent is fine.

        StillEmptying after `seconds`: what is left waits for the next call.
        """
        deadline = time.monotonic() + seconds
        deleted = 0
        try:
            for upload in self._uploads(bucket):
                with _translated("AbortMultipartUpload"):
                    self._s3.abort_multipart_upload(Bucket=bucket, **upload)
            while batch := self._some(bucket):
                with _translated("DeleteObjects"):
                    answer = self._s3.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})
                if errors := answer.get("Errors"):
                    raise StorageRefused(f"deleting in bucket {bucket}", 200, str(errors[0].get("Code")))
                deleted += len(batch)
                if time.monotonic() > deadline:
                    raise StillEmptying(bucket, deleted)
            with _translated("DeleteBucket"):
                self._s3.delete_bucket(Bucket=bucket)
        except StorageRefused as error:
            if error.code != "NoSuchBucket":
                raise

    def _uploads(self, bucket: str) -> list[Any]:
        with _translated("ListMultipartUploads"):
            found = self._s3.list_multipart_uploads(Bucket=bucket).get("Uploads") or []
        return [{"Key": upload["Key"], "UploadId": upload["UploadId"]} for upload in found]

    def _some(self, bucket: str) -> list[Any]:
        """Up to 1000 versions and delete markers, or objects where the bucket keeps no versions."""
        with _translated("ListObjectVersions"):
            page = self._s3.list_object_versions(Bucket=bucket, MaxKeys=_BATCH)
        listed: list[Any] = [*(page.get("Versions") or ()), *(page.get("DeleteMarkers") or ())]
        found = [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in listed if item.get("VersionId")]
        if found:
            return found[:_BATCH]
        with _translated("ListObjectsV2"):
            objects = self._s3.list_objects_v2(Bucket=bucket, MaxKeys=_BATCH)
        return [{"Key": item["Key"]} for item in objects.get("Contents") or ()]


@contextmanager
def _translated(call: str) -> Iterator[None]:
    """botocore's errors as ours."""
    try:
        yield
    except ClientError as error:
        status = int(error.response["ResponseMetadata"]["HTTPStatusCode"])
        code = str(error.response.get("Error", {}).get("Code"))
        if status == 429 or status >= 500:
            raise StorageAway(f"the object storage answered {call} with {status} {code}") from error
        raise StorageRefused(call, status, code) from error
    except BotoCoreError as error:
        raise StorageAway(f"the object storage does not answer {call}: {type(error).__name__}") from error
