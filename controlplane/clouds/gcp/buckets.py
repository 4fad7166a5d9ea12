"""The bucket of a workspace: whose it is, how it is kept, who may use it, its end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import Any

from google.cloud import storage

from components.facts import Gcp
from controlplane.clouds.gcp.client import TIMEOUT, translated
from controlplane.clouds.gcp.grants import granted, same
from controlplane.storage.errors import StillEmptying, StorageAway, StorageRefused

_ONCE: dict[str, Any] = {"retry": None, "timeout": TIMEOUT}
_GRANT_TRIES = 6
_BATCH = 500
_PARALLEL = 8
LIFECYCLE = [
    {"action": {"type": "Delete"}, "condition": {"daysSinceNoncurrentTime": 30, "isLive": False}},
    {"action": {"type": "AbortIncompleteMultipartUpload"}, "condition": {"age": 7}},
]
"""Replaced and deleted objects can be had back for 30 days; unfinished uploads go after 7."""


class Buckets:
    """Buckets of one project."""

    def __init__(self, client: storage.Client, gcp: Gcp) -> None:
        self._client = client
        self._gcp = gcp

    def find(self, name: str) -> storage.Bucket | None:
        """As it is now. Raises StorageRefused (403) where it is another project's, which says nothing of it."""
        bucket = self._client.bucket(name)
        try:
            with translated("buckets.get"):
                bucket.reload(**_ONCE)
        except StorageRefused as error:
            if error.status == 404:
                return None
            raise
        return bucket

    def create(self, name: str, labels: Mapping[str, str]) -> storage.Bucket | None:
        """With labels, key and closed from the first moment on; None where there is one of that name already."""
        bucket = self._client.bucket(name)
        self._wanted(bucket, labels)
        try:
            with translated("buckets.insert"):
                return self._client.create_bucket(
                    bucket, project=self._gcp.project, location=self._gcp.location, **_ONCE
                )
        except StorageRefused as error:
            if error.status == 409:
                return None
            raise

    def settle(self, bucket: storage.Bucket, labels: Mapping[str, str]) -> int:
        """Writes what is not as it must be; 1 where something was not."""
        if self._is_wanted(bucket, labels):
            return 0
        self._wanted(bucket, labels)
        with translated("buckets.patch"):
            bucket.patch(if_metageneration_match=bucket.metageneration, **_ONCE)
        return 1

    def grant(self, bucket: storage.Bucket, member: str | None) -> int:
        """Makes the bucket's bindings those of `grants.granted`; 1 where they were not.

        Reads, changes and writes with the policy's etag: who was faster is not overwritten, but read again.
        """
        for _ in range(_GRANT_TRIES):
            with translated("buckets.getIamPolicy"):
                policy = bucket.get_iam_policy(requested_policy_version=3, **_ONCE)
            wanted = granted(policy.bindings, self._gcp, member)
            if same(policy.bindings, wanted):
                return 0
            policy.version = 3
            policy.bindings = wanted
            try:
                with translated("buckets.setIamPolicy"):
                    bucket.set_iam_policy(policy, **_ONCE)
            except StorageRefused as error:
                if error.status not in (409, 412):
                    raise
            else:
                return 1
        raise StorageAway(f"bucket {bucket.name}: somebody else keeps changing who may use it")

    def remove(self, bucket: storage.Bucket, *, seconds: float) -> None:
        """Empties it of all versions and deletes it; StillEmptying after `seconds`."""
        deadline = time.monotonic() + seconds
        deleted = 0
        with ThreadPoolExecutor(_PARALLEL, thread_name_prefix="emptying") as pool:
            while batch := self._some(bucket):
                for _ in pool.map(partial(self._delete, bucket), batch):
                    deleted += 1
                if time.monotonic() > deadline:
                    raise StillEmptying(bucket.name, deleted)
        try:
            with translated("buckets.delete"):
                bucket.delete(**_ONCE)
        except StorageRefused as error:
            if error.status == 409:
                raise StillEmptying(bucket.name, deleted) from error  # something was written meanwhile
            if error.status != 404:
                raise

    def _some(self, bucket: storage.Bucket) -> list[storage.Blob]:
        with translated("objects.list"):
            return list(islice(self._client.list_blobs(bucket, versions=True, page_size=_BATCH, **_ONCE), _BATCH))

    @staticmethod
    def _delete(bucket: storage.Bucket, blob: storage.Blob) -> None:
        try:
            with translated("objects.delete"):
                bucket.delete_blob(blob.name, generation=blob.generation, **_ONCE)
        except StorageRefused as error:
            if error.status != 404:
                raise

    def _wanted(self, bucket: storage.Bucket, labels: Mapping[str, str]) -> None:
        bucket.labels = {**bucket.labels, **labels}
        bucket.iam_configuration.uniform_bucket_level_access_enabled = True
        bucket.iam_configuration.public_access_prevention = "enforced"
        bucket.versioning_enabled = True
        bucket.default_kms_key_name = self._gcp.key
        bucket.lifecycle_rules = LIFECYCLE

    def _is_wanted(self, bucket: storage.Bucket, labels: Mapping[str, str]) -> bool:
        access = bucket.iam_configuration
        return (
            labels.items() <= bucket.labels.items()
            and access.uniform_bucket_level_access_enabled
            and access.public_access_prevention == "enforced"
            and bucket.versioning_enabled
            and bucket.default_kms_key_name == self._gcp.key
            and [dict(rule) for rule in bucket.lifecycle_rules] == LIFECYCLE
        )
