"""Engine events as the CLI writes them, folded into ours."""

from __future__ import annotations

from typing import Any

from pulumi.automation import EngineEvent

from infra.engine.events import Progress, resource_name
from infra.engine.model import Event, EventKind, Op

CM = "urn:pulumi:components::mlp::kubernetes:core/v1:ConfigMap::settings"
CHILD = "urn:pulumi:components::mlp::mlp:components:Tracking$kubernetes:apps/v1:Deployment::web"
STACK = "urn:pulumi:components::mlp::pulumi:pulumi:Stack::mlp-components"


def metadata(urn: str, op: str, **more: Any) -> dict[str, Any]:
    kind = resource_name(urn).kind
    custom = not kind.startswith("pulumi:")
    return {"op": op, "urn": urn, "type": kind, "provider": "", "new": {"custom": custom, "type": kind}, **more}


def started(urn: str, op: str, **more: Any) -> EngineEvent:
    return EngineEvent.from_json({"resourcePreEvent": {"metadata": metadata(urn, op, **more)}})


def finished(urn: str, op: str) -> EngineEvent:
    return EngineEvent.from_json({"resOutputsEvent": {"metadata": metadata(urn, op)}})


def failed(urn: str, op: str) -> EngineEvent:
    return EngineEvent.from_json({"resOpFailedEvent": {"metadata": metadata(urn, op), "status": 0, "steps": 0}})


def said(urn: str, text: str, severity: str = "info", *, ephemeral: bool = False) -> EngineEvent:
    return EngineEvent.from_json(
        {
            "diagnosticEvent": {
                "urn": urn,
                "message": text,
                "color": "never",
                "severity": severity,
                "ephemeral": ephemeral,
            }
        }
    )


def feed(progress: Progress, *events: EngineEvent) -> list[Event]:
    return [ours for event in events for ours in progress.feed(event, 1.5)]


def test_the_kind_of_a_child_is_its_own() -> None:
    name = resource_name(CHILD)
    assert (name.kind, name.name) == ("kubernetes:apps/v1:Deployment", "web")


def test_a_create_starts_waits_and_finishes_with_counts() -> None:
    progress = Progress("components", expected=7)
    begun, waiting, done = feed(
        progress,
        started(CM, "create"),
        said(CM, "<{%reset%}>0 of 1 replicas<{%reset%}>", ephemeral=True),
        finished(CM, "create"),
    )
    assert (begun.kind, begun.op, begun.counts.running) == (EventKind.STARTED, Op.CREATE, 1)
    assert (waiting.kind, waiting.text, waiting.op) == (EventKind.WAITING, "0 of 1 replicas", Op.CREATE)
    assert (done.kind, done.counts.done, done.counts.running) == (EventKind.FINISHED, 1, 0)
    assert done.counts.changed == {"create": 1}
    assert done.counts.expected == 7
    assert done.seconds == 1.5


def test_what_stays_the_same_is_counted_but_not_shown() -> None:
    progress = Progress("components", None)
    assert feed(progress, started(CM, "same"), finished(CM, "same")) == []
    assert progress.counts.changed == {"same": 1}
    assert progress.changes == ()


def test_the_stack_itself_and_components_do_not_count() -> None:
    progress = Progress("components", None)
    assert feed(progress, started(STACK, "create"), finished(STACK, "create")) == []
    assert progress.counts.done == 0


def test_a_replacement_counts_once() -> None:
    progress = Progress("components", None)
    feed(
        progress,
        started(CM, "delete-replaced"),
        finished(CM, "delete-replaced"),
        started(CM, "replace"),
        finished(CM, "replace"),
        started(CM, "create-replacement"),
        finished(CM, "create-replacement"),
    )
    assert progress.counts.changed == {"replace": 1}
    assert [(change.op, change.resource.name) for change in progress.changes] == [(Op.REPLACE, "settings")]


def test_a_failure_carries_the_providers_reason() -> None:
    progress = Progress("components", None)
    events = feed(progress, started(CM, "create"), said(CM, "conflict with x", "error"), failed(CM, "create"))
    assert [event.kind for event in events] == [EventKind.STARTED, EventKind.MESSAGE, EventKind.FAILED]
    assert events[1].severity == "error"
    assert events[2].text == "conflict with x"
    (failure,) = progress.failures
    assert (failure.name, failure.reason) == ("settings", "conflict with x")
    assert progress.counts.failed == 1


def test_errors_of_the_stack_are_general_and_no_resource_failure() -> None:
    progress = Progress("components", None)
    feed(progress, said(STACK, "update failed", "error"))
    assert progress.failures == ()
    assert progress.general_errors == ["update failed"]


def test_debug_messages_are_left_out() -> None:
    assert feed(Progress("components", None), said(CM, "noise", "debug")) == []


def test_an_update_lists_the_paths_that_differ() -> None:
    progress = Progress("components", None)
    feed(progress, started(CM, "update", detailedDiff={"data.a": {"diffKind": "update", "inputDiff": True}}))
    assert progress.changes[0].properties == ("data.a",)
