"""The policy of a workspace's bucket. Pure."""

from __future__ import annotations

from typing import Any

USE_BUCKET = (
    "s3:GetBucketLocation",
    "s3:GetBucketVersioning",
    "s3:ListBucket",
    "s3:ListBucketMultipartUploads",
    "s3:ListBucketVersions",
)
USE_OBJECTS = (
    "s3:AbortMultipartUpload",
    "s3:DeleteObject",
    "s3:DeleteObjectTagging",
    "s3:DeleteObjectVersion",
    "s3:GetObject",
    "s3:GetObjectAttributes",
    "s3:GetObjectTagging",
    "s3:GetObjectVersion",
    "s3:ListMultipartUploadParts",
    "s3:PutObject",
    "s3:PutObjectTagging",
)


def bucket_policy(bucket: str, user: str) -> dict[str, Any]:
    """What `user`, the bucket's owner, may do with it: everything with objects, nothing with the bucket itself.

    A bucket without a policy obeys its owner in all things, so that a workspace could open it to everybody. With this
    one, only root changes the policy or removes the bucket, and nobody else reads it.
    """
    arn = f"arn:aws:s3:::{bucket}"
    principal = {"AWS": [user]}
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": principal, "Action": list(USE_BUCKET), "Resource": arn},
            {"Effect": "Allow", "Principal": principal, "Action": list(USE_OBJECTS), "Resource": f"{arn}/*"},
        ],
    }
