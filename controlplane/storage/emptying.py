"""The end of a bucket and of all that is in it, over S3."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from controlplane.storage.errors import StillEmptying, StorageRefused
from controlplane.storage.translated import translated

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_BATCH = 1000


def empty_and_delete(s3: S3Client, bucket: str, *, seconds: float) -> None:
    """All versions and unfinished uploads, then the bucket itself. Absent is fine.

    StillEmptying after `seconds`: what is left waits for the next call.
    """
    deadline = time.monotonic() + seconds
    deleted = 0
    try:
        for upload in _uploads(s3, bucket):
            with translated("AbortMultipartUpload"):
                s3.abort_multipart_upload(Bucket=bucket, **upload)
        while batch := _some(s3, bucket):
            with translated("DeleteObjects"):
                answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})
            if errors := answer.get("Errors"):
                raise StorageRefused(f"deleting in bucket {bucket}", 200, str(errors[0].get("Code")))
            deleted += len(batch)
            if time.monotonic() > deadline:
                raise StillEmptying(bucket, deleted)
        with translated("DeleteBucket"):
            s3.delete_bucket(Bucket=bucket)
    except StorageRefused as error:
        if error.code != "NoSuchBucket":
            raise


def _uploads(s3: S3Client, bucket: str) -> list[Any]:
    with translated("ListMultipartUploads"):
        found = s3.list_multipart_uploads(Bucket=bucket).get("Uploads") or []
    return [{"Key": upload["Key"], "UploadId": upload["UploadId"]} for upload in found]


def _some(s3: S3Client, bucket: str) -> list[Any]:
    """Up to 1000 versions and delete markers, or objects where the bucket keeps no versions."""
    with translated("ListObjectVersions"):
        page = s3.list_object_versions(Bucket=bucket, MaxKeys=_BATCH)
    listed: list[Any] = [*(page.get("Versions") or ()), *(page.get("DeleteMarkers") or ())]
    found = [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in listed if item.get("VersionId")]
    if found:
        return found[:_BATCH]
    with translated("ListObjectsV2"):
        objects = s3.list_objects_v2(Bucket=bucket, MaxKeys=_BATCH)
    return [{"Key": item["Key"]} for item in objects.get("Contents") or ()]
