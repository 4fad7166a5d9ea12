"""What goes into the engine and what comes out of it: plain frozen data without a Pulumi type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

PROJECT = "mlp"
"""Name of the Pulumi project; every stack of an installation lives in it."""

BY_PASSPHRASE = "passphrase"  # noqa: S105 - a word, not a secret
"""Who seals secrets where no key of a cloud does."""

Program = Callable[[], None]
"""A Pulumi program: declares resources and exports. It reads `config` and `secrets` through `pulumi.Config("mlp")`
or simply closes over what it needs."""


@dataclass(frozen=True)
class Plugin:
    """A provider plugin that the engine shall find without PATH and without a download."""

    name: str
    """Package name as in type tokens, such as `kubernetes`."""
    version: str
    """Semantic version without a leading v. Programs name the same one in `ResourceOptions(version=…)`."""
    command: tuple[str, ...]
    """Absolute command line; the engine's own address is added as the last argument. No secrets here."""


class Op(StrEnum):
    """What happens to one resource, in the words of the plan."""

    SAME = "same"
    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    READ = "read"
    REFRESH = "refresh"


@dataclass(frozen=True)
class ResourceName:
    """One resource of a stack. `kind` is the type token, such as `kubernetes:apps/v1:Deployment`."""

    urn: str
    kind: str
    name: str


@dataclass(frozen=True)
class Counts:
    """How far an operation is. Components and the stack itself are not counted, only what a provider handles."""

    done: int = 0
    failed: int = 0
    running: int = 0
    changed: Mapping[str, int] = field(default_factory=dict)
    """Op → finished resources; `same` included."""
    expected: int | None = None
    """Resources after the last successful run; None at the first."""


class EventKind(StrEnum):
    """Which question an event answers."""

    STARTED = "started"
    """A resource operation began."""
    WAITING = "waiting"
    """`text` says what the resource waits for; replaces the previous such text of the same resource."""
    FINISHED = "finished"
    FAILED = "failed"
    MESSAGE = "message"
    """A diagnostic with `severity`; `resource` is None when it concerns the whole operation."""
    SUMMARY = "summary"
    """The last event of an operation."""


@dataclass(frozen=True)
class Event:
    """One step of progress. `seconds` counts from the start of the operation."""

    kind: EventKind
    stack: str
    seconds: float
    counts: Counts
    resource: ResourceName | None = None
    op: Op | None = None
    text: str = ""
    severity: str = "info"
    """`info`, `warning` or `error`."""


OnEvent = Callable[[Event], None]


@dataclass(frozen=True)
class Output:
    """A value that a stack exports. Secret ones must not reach a log, an argument or a file in clear."""

    value: Any
    secret: bool = False

    def __repr__(self) -> str:
        return f"Output({'[secret]' if self.secret else repr(self.value)})"


@dataclass(frozen=True)
class Change:
    """One planned or finished resource change; `same` resources are not listed."""

    op: Op
    resource: ResourceName
    properties: tuple[str, ...] = ()
    """Paths of the properties that differ, for an update or a replacement."""
    replaces: tuple[str, ...] = ()
    """Those of them that cannot change in place."""
    before: Mapping[str, Any] = field(default_factory=dict, repr=False)
    after: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Inputs as the engine tells them: secrets are the text `[secret]`."""


@dataclass(frozen=True)
class Result:
    """What an operation did (or, for a preview, would do)."""

    stack: str
    counts: Mapping[str, int]
    """Op → number of resources, the stack and components left out."""
    changes: tuple[Change, ...]
    seconds: float
    outputs: Mapping[str, Output] = field(default_factory=dict)
    """Only after `up`."""

    @property
    def changed(self) -> bool:
        """Whether any resource was (or would be) made, changed or deleted."""
        return any(count for op, count in self.counts.items() if op not in {Op.SAME, Op.READ, Op.REFRESH})


@dataclass(frozen=True)
class StackInfo:
    """A stack as `pulumi stack ls` shows it. `resources` counts everything in its state."""

    name: str
    resources: int
    updated: str | None
    """UTC, ISO 8601; None where it never ran."""


@dataclass(frozen=True)
class HistoryEntry:
    """One past operation. Times are UTC, ISO 8601."""

    version: int
    kind: str
    """update, preview, refresh, destroy or import."""
    result: str
    """succeeded, failed or in-progress."""
    started: str
    ended: str | None
    changes: Mapping[str, int]
