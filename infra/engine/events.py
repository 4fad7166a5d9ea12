"""Folds the engine's event stream into ours. No I/O; time comes with each call."""

from __future__ import annotations

import re
from collections import Counter

from pulumi.automation import EngineEvent, StepEventMetadata

from infra.engine.errors import Failure
from infra.engine.model import Change, Counts, Event, EventKind, Op
from infra.engine.names import resource_name

_OPS = {
    "same": Op.SAME,
    "create": Op.CREATE,
    "update": Op.UPDATE,
    "replace": Op.REPLACE,
    "create-replacement": Op.REPLACE,
    "delete": Op.DELETE,
    "delete-replaced": Op.REPLACE,
    "read": Op.READ,
    "read-replacement": Op.READ,
    "refresh": Op.REFRESH,
    "discard": Op.DELETE,
    "discard-replaced": Op.REPLACE,
    "import": Op.CREATE,
    "import-replacement": Op.REPLACE,
}
_PARTS_OF_A_REPLACEMENT = frozenset({"create-replacement", "delete-replaced", "discard-replaced", "read-replacement"})
_COLOUR = re.compile(r"<\{%[^%]*%\}>")
_SEVERITIES = {"info": "info", "info#err": "info", "warning": "warning", "error": "error"}


def _step(metadata: StepEventMetadata) -> str:
    return str(metadata.op.value)


def _counted(metadata: StepEventMetadata) -> bool:
    """Custom resources only: not the stack, not components, not the providers themselves."""
    state = metadata.new or metadata.old
    return bool(state and state.custom) and not metadata.type.startswith("pulumi:")


def _replacing(metadata: StepEventMetadata) -> tuple[str, ...]:
    detailed = metadata.detailed_diff or {}
    found = [path for path, difference in detailed.items() if str(difference.diff_kind.value).endswith("-replace")]
    return tuple(found) or tuple(metadata.keys or ())


class Progress:
    """The running picture of one operation; `feed` gives the events that one engine event means."""

    def __init__(self, stack: str, expected: int | None) -> None:
        self._stack = stack
        self._expected = expected
        self._running: dict[str, Op] = {}
        self._changed: Counter[str] = Counter()
        self._done = 0
        self._failed: set[str] = set()
        self._reasons: dict[str, list[str]] = {}
        self._changes: dict[str, Change] = {}
        self.seconds = 0.0
        """Of the last event, from the start."""
        self.general_errors: list[str] = []
        """Errors that concern no resource, in the engine's words."""

    @property
    def counts(self) -> Counts:
        """A snapshot."""
        return Counts(self._done, len(self._failed), len(self._running), dict(self._changed), self._expected)

    @property
    def changes(self) -> tuple[Change, ...]:
        """Resources that are (or would be) touched, in the order they came."""
        return tuple(self._changes.values())

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Resources with an error of their own."""
        found = []
        for urn in {**dict.fromkeys(self._reasons), **dict.fromkeys(self._failed)}:
            name = resource_name(urn)
            if name.kind.startswith("pulumi:pulumi:Stack"):
                continue
            reason = "; ".join(self._reasons.get(urn, [])) or "the provider gave no reason"
            found.append(Failure(urn, name.kind, name.name, reason))
        return tuple(found)

    def feed(self, event: EngineEvent, seconds: float) -> list[Event]:
        """The events to show, usually one, for the many internal steps none."""
        self.seconds = seconds
        if event.resource_pre_event:
            return self._started(event.resource_pre_event.metadata, seconds)
        if event.res_outputs_event:
            return self._finished(event.res_outputs_event.metadata, seconds)
        if event.res_op_failed_event:
            return self._op_failed(event.res_op_failed_event.metadata, seconds)
        if event.diagnostic_event:
            diagnostic = event.diagnostic_event
            return self._diagnostic(
                diagnostic.message, diagnostic.severity, diagnostic.urn or "", bool(diagnostic.ephemeral), seconds
            )
        if event.summary_event:
            return [self._event(EventKind.SUMMARY, seconds)]
        return []

    def message(self, text: str) -> Event:
        """A word of our own about the operation as a whole."""
        return self._event(EventKind.MESSAGE, self.seconds, text=text)

    def _event(self, kind: EventKind, seconds: float, urn: str = "", op: Op | None = None, text: str = "") -> Event:
        name = resource_name(urn) if urn else None
        return Event(kind, self._stack, seconds, self.counts, name, op, text)

    def _started(self, metadata: StepEventMetadata, seconds: float) -> list[Event]:
        op = _OPS.get(_step(metadata))
        if op is None or not _counted(metadata):
            return []
        if op is not Op.SAME:
            paths = tuple(metadata.detailed_diff or ()) or tuple(metadata.diffs or ())
            if op is not Op.REFRESH:
                self._changes.setdefault(
                    metadata.urn,
                    Change(
                        op,
                        resource_name(metadata.urn),
                        paths,
                        replaces=_replacing(metadata),
                        before=(metadata.old and metadata.old.inputs) or {},
                        after=(metadata.new and metadata.new.inputs) or {},
                    ),
                )
            self._running[metadata.urn] = op
            return [self._event(EventKind.STARTED, seconds, metadata.urn, op)]
        return []

    def _finished(self, metadata: StepEventMetadata, seconds: float) -> list[Event]:
        step = _step(metadata)
        op = _OPS.get(step)
        if op is None or not _counted(metadata):
            return []
        self._running.pop(metadata.urn, None)
        if step in _PARTS_OF_A_REPLACEMENT:
            return [self._event(EventKind.FINISHED, seconds, metadata.urn, op)]
        if op is Op.REFRESH:
            return [self._event(EventKind.FINISHED, seconds, metadata.urn, op)]
        self._done += 1
        self._changed[op.value] += 1
        return [] if op is Op.SAME else [self._event(EventKind.FINISHED, seconds, metadata.urn, op)]

    def _op_failed(self, metadata: StepEventMetadata, seconds: float) -> list[Event]:
        self._running.pop(metadata.urn, None)
        if not _counted(metadata):
            return []
        self._failed.add(metadata.urn)
        reason = "; ".join(self._reasons.get(metadata.urn, []))
        return [self._event(EventKind.FAILED, seconds, metadata.urn, _OPS.get(_step(metadata)), reason)]

    def _diagnostic(self, message: str, severity: str, urn: str, ephemeral: bool, seconds: float) -> list[Event]:
        text = _COLOUR.sub("", message).strip()
        severity = _SEVERITIES.get(severity, "")
        if not text or not severity:
            return []
        if ephemeral:
            return [self._event(EventKind.WAITING, seconds, urn, self._running.get(urn), text)] if urn else []
        if severity == "error":
            self._remember_error(urn, text)
        event = self._event(EventKind.MESSAGE, seconds, urn, None, text)
        return [Event(**{**event.__dict__, "severity": severity})]

    def _remember_error(self, urn: str, text: str) -> None:
        name = resource_name(urn) if urn else None
        if name is None or name.kind.startswith("pulumi:pulumi:Stack"):
            self.general_errors.append(text)
        elif text not in self._reasons.setdefault(urn, []):
            self._reasons[urn].append(text)
