"""A bucket for every workspace on GCP, and a grant on it to the workspace's own service account."""

from __future__ import annotations

from collections.abc import Mapping

from google.cloud import storage

from components.facts import Gcp
from controlplane.clouds.gcp import client as gcp_client
from controlplane.clouds.gcp.buckets import Buckets
from controlplane.clouds.gcp.grants import principal
from controlplane.clouds.names import cloud_name, marks, owner
from controlplane.reconcile.model import WorkspaceSpec
from controlplane.storage.errors import BucketTaken

_EMPTYING_SECONDS = 30.0
_SEPARATOR = "-"


class GcpStorage:
    """`controlplane.reconcile.model.WorkspaceStorage` on GCP. One per process."""

    def __init__(self, gcp: Gcp, installation: str, client: storage.Client | None = None) -> None:
        self._gcp = gcp
        self._installation = installation
        self._client = client or gcp_client.connect(gcp.project)
        self._buckets = Buckets(self._client, gcp)

    def close(self) -> None:
        """Closes every connection."""
        self._client.close()

    def bucket(self, spec: WorkspaceSpec) -> str:
        """Name of the workspace's bucket."""
        return cloud_name(self._installation, self._gcp.project_number, spec)

    def environment(self, spec: WorkspaceSpec) -> Mapping[str, str]:
        """The bucket; credentials come by the service account."""
        return {"MLP_BUCKET": self.bucket(spec)}

    def annotations(self, spec: WorkspaceSpec) -> Mapping[str, str]:  # noqa: ARG002 - the port's signature
        """None: the bucket names the service account."""
        return {}

    def ensure(self, spec: WorkspaceSpec) -> int:
        """The bucket, and the grant on it. Suspended: no grant.

        BucketTaken: a bucket of that name is not this workspace's, and was not touched.
        """
        name, labels = self.bucket(spec), marks(self._installation, spec, _SEPARATOR)
        member = None if spec.suspended else principal(self._gcp, spec)
        found, made = self._buckets.find(name), 0
        if found is None:
            made, found = 1, self._buckets.create(name, labels) or self._buckets.find(name)
        if found is None or not self._owns(found, spec):
            raise BucketTaken(name, owner(found.labels, self._installation, _SEPARATOR) if found else None)
        if member is None:
            # What takes access away comes before anything that may fail.
            return made + self._buckets.grant(found, None) + self._buckets.settle(found, labels)
        return made + self._buckets.settle(found, labels) + self._buckets.grant(found, member)

    def remove(self, spec: WorkspaceSpec, *, keep_data: bool) -> None:
        """The grant first, so that nothing is written while the bucket is emptied. What is not ours is left alone."""
        found = self._buckets.find(self.bucket(spec))
        if found is None or not self._owns(found, spec):
            return
        self._buckets.grant(found, None)
        if not keep_data:
            self._buckets.remove(found, seconds=_EMPTYING_SECONDS)

    def _owns(self, bucket: storage.Bucket, spec: WorkspaceSpec) -> bool:
        ours = str(bucket.project_number) == self._gcp.project_number
        return ours and owner(bucket.labels, self._installation, _SEPARATOR) == spec.uid
