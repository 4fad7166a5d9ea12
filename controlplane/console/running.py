"""What runs in a workspace, sorted for its page: by group, with what is not installed beside. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from controlplane.contents.model import Absent, Content, ContentKind, ContentState, Group

SHOWN = 6
"""Of each group on the workspace's page; the rest is one click away."""
_BUSY = frozenset({ContentState.WAITING, ContentState.STARTING, ContentState.RUNNING, ContentState.ENDING})
_GROUPS: Mapping[Group, tuple[str, frozenset[ContentKind]]] = {
    Group.NOTEBOOKS: ("Notebooks", frozenset({ContentKind.NOTEBOOK})),
    Group.JOBS: (
        "Jobs",
        frozenset(
            {ContentKind.TRAINJOB, ContentKind.TFJOB, ContentKind.PYTORCHJOB, ContentKind.MPIJOB, ContentKind.JOB}
        ),
    ),
    Group.EXPERIMENTS: ("Experiments", frozenset({ContentKind.EXPERIMENT})),
    Group.PIPELINES: (
        "Pipelines",
        frozenset({ContentKind.WORKFLOW, ContentKind.CRONWORKFLOW, ContentKind.WORKFLOWTEMPLATE}),
    ),
    Group.MODELS: ("Models", frozenset({ContentKind.MODEL})),
    Group.ENDPOINTS: ("Endpoints", frozenset({ContentKind.INFERENCESERVICE})),
}
TITLES = {group: title for group, (title, _) in _GROUPS.items()}


@dataclass(frozen=True)
class Section:
    """One group: its first things, busy ones before others, then what pipelines can be run from; and how many there
    are."""

    group: Group
    title: str
    items: tuple[Content, ...]
    total: int
    absent: str
    """Why nothing of it can be here; empty where it can."""


def sections(contents: Iterable[Content], absent: Iterable[Absent]) -> tuple[Section, ...]:
    """Every group, in the order in which work goes. A group is absent where all of its kinds are."""
    missing = {each.kind: each.reason for each in absent}
    found = list(contents)
    made = []
    for group, (title, kinds) in _GROUPS.items():
        items = [item for item in found if item.group is group]
        kept = [item for item in items if item.kind is ContentKind.WORKFLOWTEMPLATE]
        ran = [item for item in items if item.kind is not ContentKind.WORKFLOWTEMPLATE]
        ran.sort(key=lambda item: item.state not in _BUSY)
        gone = kinds <= missing.keys()
        why = next((missing[kind] for kind in sorted(kinds) if kind in missing), "") if gone else ""
        made.append(Section(group, title, tuple(ran[:SHOWN] + kept[:SHOWN]), len(items), why))
    return tuple(made)
