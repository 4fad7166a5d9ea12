"""What of a workspace shows on its page."""

from __future__ import annotations

from datetime import UTC, datetime

from controlplane.console.running import SHOWN, sections
from controlplane.contents.model import Absent, Content, ContentKind, ContentState, Group


def content(kind: ContentKind, name: str, state: ContentState) -> Content:
    return Content(
        kind=kind, group=Group.PIPELINES, name=name, state=state, reason="", progress="", owner=None, queue=None,
        actions=(), url=None, created_at=datetime(2026, 1, 2, tzinfo=UTC), started_at=None, ended_at=None,
    )  # fmt: skip


def test_templates_are_shown_however_much_has_run() -> None:
    ended = [content(ContentKind.WORKFLOW, f"w{n}", ContentState.SUCCEEDED) for n in range(9)]
    active = content(ContentKind.CRONWORKFLOW, "nightly", ContentState.RUNNING)
    template = content(ContentKind.WORKFLOWTEMPLATE, "train", ContentState.REGISTERED)
    found = next(s for s in sections([*ended, active, template], ()) if s.group is Group.PIPELINES)
    assert [item.name for item in found.items] == ["nightly", "w0", "w1", "w2", "w3", "w4", "train"]
    assert len(found.items) == SHOWN + 1
    assert found.total == 11


def test_pipelines_are_absent_only_where_all_of_their_kinds_are() -> None:
    kinds = [ContentKind.WORKFLOW, ContentKind.CRONWORKFLOW, ContentKind.WORKFLOWTEMPLATE]
    absent = [Absent(kind=kind, reason="Not installed.") for kind in kinds]
    by_group = {s.group: s.absent for s in sections((), absent)}
    assert by_group[Group.PIPELINES] == "Not installed."
    assert {s.group: s.absent for s in sections((), absent[:2])}[Group.PIPELINES] == ""
