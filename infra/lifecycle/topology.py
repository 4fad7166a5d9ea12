"""Writes the picture of a plan."""

from __future__ import annotations

from pathlib import Path

from infra.lifecycle.names import CLUSTER_STACK
from infra.lifecycle.offline import StackChanges
from infra.lifecycle.plan import Plan
from infra.plan.drawing import html, svg
from infra.plan.topology import Thing, things, topology


def write_picture(plan: Plan, path: Path) -> None:
    """As SVG, or as a page where the name ends in .html."""
    cluster = [stack for stack in plan.stacks if stack.stack == CLUSTER_STACK]
    others = [stack for stack in plan.stacks if stack.stack != CLUSTER_STACK]
    picture = topology(plan.profile, _things(cluster), _things(others), plan.cost)
    path.write_text(html(picture) if path.suffix == ".html" else svg(picture), "utf-8")


def _things(stacks: list[StackChanges]) -> tuple[Thing, ...]:
    return tuple(
        thing
        for stack in stacks
        for thing in things(((urn, kind, name) for urn, kind, name in stack.resources), stack.changes)
    )
