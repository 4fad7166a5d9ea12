"""A bucket and a role for every workspace on AWS."""

from __future__ import annotations

from collections.abc import Mapping

from components.facts import Aws
from controlplane.clouds.aws import policies
from controlplane.clouds.aws.bindings import Bindings
from controlplane.clouds.aws.buckets import Buckets
from controlplane.clouds.aws.clients import Clients
from controlplane.clouds.aws.policies import Place
from controlplane.clouds.aws.roles import Roles
from controlplane.clouds.names import cloud_name, marks, owner
from controlplane.reconcile.model import WorkspaceSpec
from controlplane.storage.errors import BucketTaken, StorageRefused

_EMPTYING_SECONDS = 30.0
_FOREIGN = frozenset({"BucketAlreadyExists", "PermanentRedirect"})
"""What S3 says of a bucket of another account or region. AccessDenied may be that too, or a right that we lack."""


class AwsStorage:
    """`controlplane.reconcile.model.WorkspaceStorage` on AWS. One per process."""

    def __init__(self, aws: Aws, installation: str, clients: Clients | None = None) -> None:
        self._aws = aws
        self._installation = installation
        self._clients = clients or Clients.connect(aws.region)
        self._buckets = Buckets(self._clients, aws.region, aws.account, aws.key)
        self._roles = Roles(self._clients, installation, aws.permissions_boundary)
        self._bindings = Bindings(self._clients, installation, aws.cluster)

    def close(self) -> None:
        """Closes every connection."""
        self._clients.close()

    def place(self, spec: WorkspaceSpec) -> Place:
        """Names of the workspace's bucket and role."""
        return Place(self._aws, cloud_name(self._installation, self._aws.account, spec))

    def environment(self, spec: WorkspaceSpec) -> Mapping[str, str]:
        """The bucket; credentials come by the service account."""
        return {"MLP_BUCKET": self.place(spec).name}

    def annotations(self, spec: WorkspaceSpec) -> Mapping[str, str]:
        """With IRSA, the role. Pod Identity is bound on EKS' own side."""
        if spec.suspended or self._binds:
            return {}
        return {"eks.amazonaws.com/role-arn": self.place(spec).role_arn}

    def ensure(self, spec: WorkspaceSpec) -> int:
        """Bucket, role, binding. Suspended: no binding, no permissions, and the bucket refuses its own role.

        BucketTaken, IdentityTaken: something of that name is not this workspace's, and was not touched.
        """
        place, tags = self.place(spec), marks(self._installation, spec, ":")
        # What takes access away comes before anything that may fail.
        writes = self._withdraw(place, spec) if spec.suspended else 0
        writes += self._bucket(place, spec, tags)
        writes += self._buckets.settle(place.name, policies.bucket_policy(place, suspended=spec.suspended))
        writes += self._roles.ensure(
            place.name,
            spec.uid,
            trust=policies.trust(place, spec),
            permissions=None if spec.suspended else policies.permissions(place),
            tags=tags,
        )
        if self._binds and not spec.suspended:
            writes += self._bindings.ensure(spec.namespace, spec.uid, place.role_arn, tags)
        return writes

    def remove(self, spec: WorkspaceSpec, *, keep_data: bool) -> None:
        """The binding, the role with its permissions, and last the bucket. What is not ours is left alone."""
        place = self.place(spec)
        if self._binds:
            self._bindings.remove(spec.namespace, spec.uid)
        self._roles.remove(place.name, spec.uid)
        if not keep_data and self._holds(place.name, spec):
            self._buckets.remove(place.name, seconds=_EMPTYING_SECONDS)

    @property
    def _binds(self) -> bool:
        """Whether EKS is told who gets which role. With IRSA it is never asked: there is no right to that."""
        return self._aws.identity == "pod-identity"

    def _withdraw(self, place: Place, spec: WorkspaceSpec) -> int:
        writes = self._bindings.remove(spec.namespace, spec.uid) if self._binds else 0
        return writes + self._roles.forbid(place.name, spec.uid)

    def _bucket(self, place: Place, spec: WorkspaceSpec, tags: Mapping[str, str]) -> int:
        try:
            found = self._buckets.tags(place.name)
            if found is None:
                self._buckets.create(place.name, tags)
                found = self._buckets.tags(place.name) or {}
        except StorageRefused as error:
            if error.code in _FOREIGN:
                raise BucketTaken(place.name, None) from error
            raise
        uid = owner(found, self._installation, ":")
        if uid == spec.uid:
            return 0
        if found or not self._buckets.empty(place.name):
            raise BucketTaken(place.name, uid)
        self._buckets.mark(place.name, tags)  # an empty one of that name in our account: ours, cut short
        return 1

    def _holds(self, bucket: str, spec: WorkspaceSpec) -> bool:
        """Whether there is a bucket and it is this workspace's."""
        try:
            found = self._buckets.tags(bucket)
        except StorageRefused as error:
            if error.code in _FOREIGN:
                return False
            raise
        if found is None:
            return False
        return owner(found, self._installation, ":") == spec.uid or (not found and self._buckets.empty(bucket))
