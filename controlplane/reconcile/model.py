"""What reconciling takes and gives: the spec of one workspace, and what was observed of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

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
