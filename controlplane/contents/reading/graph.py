"""The graph of a workflow's steps, from what Argo notes about them. Pure.

Argo's nodes are steps and the groups around them; an edge leads from the last steps of a group to the first of the next
by way of the groups. Here the groups are taken out one by one: what came before one comes before what came after it.
Where many meet many, the group stays as a joint, or the edges would be as many as the product of both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from components.contract import KubernetesObject
from controlplane.contents.model import ContentState, Step, StepGraph
from controlplane.contents.reading import fields
from controlplane.contents.reading.nodes import NODE_ID, PHASES, Node, children, label, nodes

STEPS = 150
"""More boxes than this nobody reads."""
LEFT_OUT = "left out"
_STEP_TYPES = frozenset({"Pod", "Container", "Suspend", "HTTP", "Plugin", "Skipped"})
_TELLING = frozenset({ContentState.FAILED, ContentState.RUNNING, ContentState.STARTING})
_Edges = dict[str, dict[str, None]]
"""Ids of neighbours in a fixed order."""


def graph(obj: KubernetesObject, pods: Iterable[KubernetesObject] = (), most: int = STEPS) -> StepGraph | None:
    """None where it has no steps yet. `pods`: of the workflow. Of more than `most` steps those that failed or are under
    way stay, then the first."""
    found = _without_old_tries(nodes(obj))
    attempts = _attempts(found)
    retries = frozenset(attempts.values())
    steps = [key for key, node in found.items() if key not in attempts and _is_step(key, node, retries)]
    if not steps:
        return None
    shown = _chosen(steps, found, most)
    after, before = _links(found, attempts)
    _take_out([key for key in after if key not in shown], after, before)
    by_node = pods_by_node(pods)
    return StepGraph(
        steps=tuple(_step(key, found, key in retries, by_node) for key in shown),
        joints=tuple(key for key in after if key not in shown),
        edges=tuple((key, target) for key, targets in after.items() for target in targets),
        total=len(steps),
    )


def pods_by_node(pods: Iterable[KubernetesObject]) -> dict[str, str]:
    """Names of pods by the id of the node that they run."""
    return {noted: fields.name(pod) for pod in pods if (noted := fields.notes(pod).get(NODE_ID))}


def pod_of(key: str, node: Node, pods: Mapping[str, str]) -> str | None:
    """The pod in which a node runs: its own, its last attempt's, or that of the set of containers around it."""
    last = children(node)[-1:] if node.get("type") == "Retry" else ()
    return next((pods[each] for each in (key, *last, fields.text(node, "boundaryID")) if each in pods), None)


def _without_old_tries(found: Mapping[str, Node]) -> dict[str, Node]:
    """Where a whole group was tried again, only its last try leads on."""
    old: set[str] = set()
    last: set[str] = set()
    for node in found.values():
        if node.get("type") == "Retry" and not _single(node, found):
            *earlier, latest = children(node)
            old |= _below(earlier, found)
            last |= _below([latest], found)
    return {key: node for key, node in found.items() if key not in old or key in last}


def _below(roots: Iterable[str], found: Mapping[str, Node]) -> set[str]:
    seen: set[str] = set()
    waiting = list(roots)
    while waiting:
        key = waiting.pop()
        if key in found and key not in seen:
            seen.add(key)
            waiting += children(found[key])
    return seen


def _attempts(found: Mapping[str, Node]) -> dict[str, str]:
    """Attempts of single steps → their retry."""
    return {
        child: key
        for key, node in found.items()
        if node.get("type") == "Retry" and _single(node, found)
        for child in children(node)
        if child in found and child != key
    }


def _single(retry: Node, found: Mapping[str, Node]) -> bool:
    return all(found[child].get("type") in _STEP_TYPES for child in children(retry) if child in found)


def _is_step(key: str, node: Node, retries: frozenset[str]) -> bool:
    untried = node.get("type") == "Retry" and not children(node)
    return node.get("type") in _STEP_TYPES or key in retries or untried


def _chosen(steps: list[str], found: Mapping[str, Node], most: int) -> dict[str, None]:
    if len(steps) <= most:
        return dict.fromkeys(steps)
    kept = set(sorted(steps, key=lambda key: _state(found[key]) not in _TELLING)[:most])
    return dict.fromkeys(key for key in steps if key in kept)


def _links(found: Mapping[str, Node], attempts: Mapping[str, str]) -> tuple[_Edges, _Edges]:
    """Edges in both directions, those of attempts moved to their retry."""
    after: _Edges = {key: {} for key in found if key not in attempts}
    before: _Edges = {key: {} for key in after}
    for key, node in found.items():
        source = attempts.get(key, key)
        for child in children(node):
            target = attempts.get(child, child)
            if source in after and target in after and target != source:
                after[source][target] = None
                before[target][source] = None
    return after, before


def _take_out(hidden: Iterable[str], after: _Edges, before: _Edges) -> None:
    for key in hidden:
        sources, targets = before[key], after[key]
        if len(sources) * len(targets) > len(sources) + len(targets):
            continue
        for source in sources:
            del after[source][key]
            after[source].update((target, None) for target in targets if target != source)
        for target in targets:
            del before[target][key]
            before[target].update((source, None) for source in sources if source != target)
        del after[key], before[key]


def _state(node: Node) -> ContentState:
    return PHASES.get(fields.text(node, "phase"), ContentState.STARTING)


def _step(key: str, found: Mapping[str, Node], retry: bool, pods: Mapping[str, str]) -> Step:
    node = found[key]
    tries = len(children(node)) if retry else 0
    again = f"{tries} attempts" if tries > 1 else ""
    return Step(
        id=key, name=label(node), state=_state(node),
        note=LEFT_OUT if fields.text(node, "phase") in ("Skipped", "Omitted") else again,
        pod=pod_of(key, node, pods), started_at=fields.time(node, "startedAt"),
        ended_at=fields.time(node, "finishedAt"),
    )  # fmt: skip
