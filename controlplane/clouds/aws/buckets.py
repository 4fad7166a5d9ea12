"""The bucket of a workspace: whose it is, how it is kept, its policy, its end."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from controlplane.clouds.aws.clients import Clients, translated
from controlplane.storage.emptying import empty_and_delete
from controlplane.storage.errors import StorageRefused

_UNSET = frozenset({
    "NoSuchBucketPolicy", "NoSuchLifecycleConfiguration", "NoSuchPublicAccessBlockConfiguration", "NoSuchTagSet",
    "OwnershipControlsNotFoundError", "ServerSideEncryptionConfigurationNotFoundError",
})  # fmt: skip
_CLOSED = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
_OWNERSHIP = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
LIFECYCLE = {
    "Rules": [
        {
            "ID": "mlp",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        }
    ]
}
"""Replaced and deleted objects can be had back for 30 days; unfinished uploads go after 7."""


class Buckets:
    """Every call names the account that must own the bucket: names of buckets are the whole world's."""

    def __init__(self, clients: Clients, region: str, account: str, key: str) -> None:
        """`key`: ARN of the KMS key."""
        self._s3 = clients.s3
        self._region = region
        self._account = account
        self._key = key

    def tags(self, bucket: str) -> dict[str, str] | None:
        """None: there is no such bucket. Raises StorageRefused (AccessDenied) where it is another account's."""
        found = self._read("GetBucketTagging", lambda: self._s3.get_bucket_tagging(**self._of(bucket))["TagSet"])
        return None if found is _ABSENT else {tag["Key"]: tag["Value"] for tag in found or ()}

    def empty(self, bucket: str) -> bool:
        """Whether nothing was ever put into it."""
        with translated("ListObjectVersions"):
            page = self._s3.list_object_versions(MaxKeys=1, **self._of(bucket))
        return not page.get("Versions") and not page.get("DeleteMarkers")

    def create(self, bucket: str, tags: Mapping[str, str]) -> None:
        """With its tags from the first moment on. Raises StorageRefused where the name is another account's."""
        # us-east-1 is the one region that must not be named.
        where = {} if self._region == "us-east-1" else {"LocationConstraint": self._region}
        try:
            with translated("CreateBucket"):
                self._s3.create_bucket(
                    Bucket=bucket,
                    ObjectOwnership="BucketOwnerEnforced",
                    CreateBucketConfiguration={**where, "Tags": _tag_set(tags)},
                )
        except StorageRefused as error:
            if error.code != "BucketAlreadyOwnedByYou":
                raise

    def mark(self, bucket: str, tags: Mapping[str, str]) -> None:
        """Replaces the tags."""
        with translated("PutBucketTagging"):
            self._s3.put_bucket_tagging(Tagging={"TagSet": _tag_set(tags)}, **self._of(bucket))

    def settle(self, bucket: str, policy: Mapping[str, Any]) -> int:
        """Writes what is not as it must be; gives how many settings that were. The bucket exists and is ours."""
        s3, of = self._s3, self._of(bucket)
        encryption = {
            "Rules": [
                {
                    "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": self._key},
                    "BucketKeyEnabled": True,
                }
            ]
        }
        return sum((
            self._set(
                "PublicAccessBlock",
                lambda: s3.get_public_access_block(**of)["PublicAccessBlockConfiguration"] == _CLOSED,
                lambda: s3.put_public_access_block(PublicAccessBlockConfiguration=_CLOSED, **of),
            ),
            self._set(
                "BucketOwnershipControls",
                lambda: s3.get_bucket_ownership_controls(**of)["OwnershipControls"] == _OWNERSHIP,
                lambda: s3.put_bucket_ownership_controls(OwnershipControls=_OWNERSHIP, **of),
            ),
            self._set(
                "BucketEncryption",
                lambda: _holds(s3.get_bucket_encryption(**of)["ServerSideEncryptionConfiguration"], encryption),
                lambda: s3.put_bucket_encryption(ServerSideEncryptionConfiguration=encryption, **of),
            ),
            self._set(
                "BucketVersioning",
                lambda: s3.get_bucket_versioning(**of).get("Status") == "Enabled",
                lambda: s3.put_bucket_versioning(VersioningConfiguration={"Status": "Enabled"}, **of),
            ),
            self._set(
                "BucketLifecycleConfiguration",
                lambda: _holds(s3.get_bucket_lifecycle_configuration(**of), LIFECYCLE),
                lambda: s3.put_bucket_lifecycle_configuration(LifecycleConfiguration=LIFECYCLE, **of),
            ),
            self._set(
                "BucketPolicy",
                lambda: json.loads(s3.get_bucket_policy(**of)["Policy"]) == policy,
                lambda: s3.put_bucket_policy(Policy=json.dumps(policy), **of),
            ),
        ))  # fmt: skip

    def remove(self, bucket: str, *, seconds: float) -> None:
        """Empties and deletes it; StillEmptying after `seconds`. Absent is fine."""
        empty_and_delete(self._s3, bucket, seconds=seconds)

    def _of(self, bucket: str) -> dict[str, str]:
        return {"Bucket": bucket, "ExpectedBucketOwner": self._account}

    def _set(self, what: str, is_set: Callable[[], bool], put: Callable[[], Any]) -> int:
        if self._read(f"Get{what}", is_set) is True:
            return 0
        with translated(f"Put{what}"):
            put()
        return 1

    def _read(self, call: str, ask: Callable[[], Any]) -> Any:
        """The answer; None where nothing is set, _ABSENT where there is no bucket."""
        try:
            with translated(call):
                return ask()
        except StorageRefused as error:
            if error.code in _UNSET:
                return None
            if error.code == "NoSuchBucket":
                return _ABSENT
            raise


_ABSENT = object()


def _tag_set(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def _holds(found: Any, wanted: Any) -> bool:
    """Whether everything wanted is there: AWS adds fields of its own."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(_holds(found.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(_holds, found, wanted))
    return bool(found == wanted)
