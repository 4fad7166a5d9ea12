"""A user and a bucket for every workspace, made, found again after an interruption, and removed in the right order."""

from __future__ import annotations

from collections.abc import Mapping

from components.storage.policy import bucket_policy
from controlplane.reconcile.model import WorkspaceSpec
from controlplane.storage.buckets import Buckets
from controlplane.storage.credentials import Credentials, bucket_name, credentials, sealed
from controlplane.storage.errors import BucketTaken
from controlplane.storage.signed import Admin, SignedHttp

_EMPTYING_SECONDS = 30.0


class S3Storage:
    """`controlplane.reconcile.model.WorkspaceStorage` on the platform's S3 server. One per process."""

    def __init__(self, *, url: str, admin_url: str, region: str, root: Credentials, key: bytes) -> None:
        """`url` and `admin_url` as in the facts; `key` (32 bytes or more): what workspaces' secret keys derive from."""
        self._url = url.rstrip("/")
        self._key = key
        self._http = SignedHttp(region)
        self._admin = Admin(self._http, admin_url, root)
        self._buckets = Buckets(url, region, root)

    def close(self) -> None:
        """Closes every connection."""
        self._http.close()
        self._buckets.close()

    def environment(self, spec: WorkspaceSpec) -> Mapping[str, str]:
        """For `envFrom` of pods; endpoint and region come from the storage component's ConfigMap."""
        keys = credentials(self._key, spec)
        return {
            "AWS_ACCESS_KEY_ID": keys.access,
            "AWS_SECRET_ACCESS_KEY": keys.secret,
            "MLP_BUCKET": bucket_name(spec),
        }

    def annotations(self, spec: WorkspaceSpec) -> Mapping[str, str]:  # noqa: ARG002 - the port's signature
        """None: pods have keys here."""
        return {}

    def ensure(self, spec: WorkspaceSpec) -> int:
        """1 where something had to be done. Suspended: the user's secret key is one that nobody knows.

        BucketTaken: the bucket holds another workspace's data.
        """
        bucket = bucket_name(spec)
        keys = sealed(self._key, spec) if spec.suspended else credentials(self._key, spec)
        exists, uid = self._buckets.uid(bucket)
        if uid not in (None, spec.uid):
            raise BucketTaken(bucket, uid)
        policy = bucket_policy(bucket, keys.access)
        if exists and uid == spec.uid and self._buckets.has_policy(bucket, policy) and self._works(bucket, keys):
            return 0
        if exists and uid is None and not self._works(bucket, keys):
            # Ours, cut short before it was marked, would let our user in: nobody else derives that secret key.
            raise BucketTaken(bucket, None)
        self._admin.ensure_user(keys)
        self._admin.ensure_bucket(bucket, keys.access)
        self._buckets.mark(bucket, spec.uid)
        self._buckets.set_policy(bucket, policy)
        return 1

    def remove(self, spec: WorkspaceSpec, *, keep_data: bool) -> None:
        """The user first, so that nothing is written while the bucket is emptied. Another workspace's is left alone."""
        bucket = bucket_name(spec)
        keys = credentials(self._key, spec)
        exists, uid = self._buckets.uid(bucket)
        if exists and uid is None and self._works(bucket, keys):
            self._buckets.mark(bucket, spec.uid)  # cut short before; the mark outlives the user
            uid = spec.uid
        if exists and uid != spec.uid:
            return
        self._admin.delete_user(keys.access)
        if uid == spec.uid and not keep_data:
            self._buckets.remove(bucket, seconds=_EMPTYING_SECONDS)

    def _works(self, bucket: str, keys: Credentials) -> bool:
        status, _ = self._http.send("HEAD", f"{self._url}/{bucket}", keys)
        return status == 200
