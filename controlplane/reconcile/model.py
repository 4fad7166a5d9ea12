"""What reconciling takes and gives: the spec of one workspace, and what was observed of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from controlplane.quotas.model import Quota


@dataclass(frozen=True, kw_only=True)
class WorkspaceSpec:
    """Everything the objects of one workspace depend on, with PlatformFacts. Loaded from the database."""

    tenant: str
    name: str
    namespace: str
    uid: str
    """UUID of the workspace's record, written on the namespace: an operation never touches another uid's namespace."""
    generation: int
    quota: Quota
    suspended: bool = False
    internet: bool = False
    """Egress to public addresses (an exception that an approver grants)."""
    features: frozenset[str] = field(default_factory=frozenset)
    rotation: int = 0
    """Raised to give the workspace new storage credentials."""


class ConditionType(StrEnum):
    """`Ready` sums up the others."""

    READY = "Ready"
    NAMESPACE = "NamespaceReady"
    OBJECTS = "ObjectsApplied"
    STORAGE = "StorageReady"
    SUSPENDED = "Suspended"
    DELETION_BLOCKED = "DeletionBlocked"


@dataclass(frozen=True)
class Condition:
    """One observed fact. `reason` is a constant in CamelCase, `message` a sentence for a person."""

    type: ConditionType
    status: bool
    reason: str
    message: str = ""


@dataclass(frozen=True)
class Drift:
    """Something in a workspace differed from what was wanted, and who had written it last (managedFields)."""

    namespace: str
    object: str
    """`kind/name`."""
    manager: str
    fields: tuple[str, ...]
    """Dotted paths that differed; `(deleted)` when the object was gone."""


@dataclass(frozen=True)
class Observation:
    """The outcome of one reconcile."""

    conditions: tuple[Condition, ...]
    writes: int
    """Objects changed in the cluster; 0 when everything was as wanted."""
    requests: int
    """API requests made, for the budget of 35 on create."""
    drift: tuple[Drift, ...] = ()
    retry: bool = False

    @property
    def ready(self) -> bool:
        """Whether the workspace is as wanted."""
        return any(c.status for c in self.conditions if c.type is ConditionType.READY)


class Report(Protocol):
    """Called before each step with its name and what it waits for. What it raises (a lost lease) ends the work."""

    def __call__(self, step: str, message: str = "") -> None: ...


def silent(step: str, message: str = "") -> None:
    """A Report for callers that show no progress."""


class WorkspaceStorage(Protocol):
    """Object storage as reconciling needs it. All calls may be repeated.

    `controlplane.storage` has the one for the S3 server, `controlplane.clouds` those for the clouds.
    """

    def environment(self, spec: WorkspaceSpec) -> Mapping[str, str]:
        """The workspace's bucket as MLP_BUCKET, and its keys where it has some. Pure: nothing is asked."""

    def annotations(self, spec: WorkspaceSpec) -> Mapping[str, str]:
        """Of service account `workload`: its cloud identity. None while suspended, and before `ensure` made one.

        May ask the cloud once for what is not derived; raises Temporary where it does not answer.
        """

    def ensure(self, spec: WorkspaceSpec) -> int:
        """The workspace's bucket and its identity or user are there and belong together. Gives what it changed.

        Suspended: nobody of the workspace gets in any more; data stays.
        """

    def remove(self, spec: WorkspaceSpec, *, keep_data: bool) -> None:
        """The identity or user goes, then the bucket with its content unless `keep_data`."""
