"""`platform plan`: what `up` would do now, what it would cost, and why it may be refused. Changes nothing.

Online, the engine previews what is installed and the machine and the cloud are asked what preflight asks. Offline,
programs are declared against the state kept here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from components.contract import Install
from infra.engine.vault import VaultError
from infra.installation.home import Home
from infra.installation.record import Recorder
from infra.lifecycle import supplies
from infra.lifecycle.costs import cost_of
from infra.lifecycle.errors import LifecycleError
from infra.lifecycle.facts import chosen_components
from infra.lifecycle.offline import Offline, StackChanges
from infra.lifecycle.preflight import cloud_findings, findings
from infra.lifecycle.previews import Previews
from infra.lifecycle.runner import Say
from infra.plan import steps as planned
from infra.plan.cost import Cost, over_budget
from infra.plan.difference import ResourceChange, counts
from infra.plan.requests import Requests, requests
from infra.preflight.model import Finding
from infra.profile.model import Profile
from infra.toolchain.model import Finding as ToolFinding


@dataclass(frozen=True)
class Plan:
    """Everything that a person decides by. `refused` says why `up` would not begin; empty where it would."""

    profile: Profile
    offline: bool
    steps: tuple[dict[str, Any], ...]
    """name, title, expected seconds, now."""
    changes: tuple[planned.Change, ...]
    """Of the profile, against the one applied last."""
    stacks: tuple[StackChanges, ...]
    findings: tuple[Finding, ...]
    cost: Cost | None
    requests: tuple[Requests, ...]
    notes: tuple[str, ...]
    refused: str

    def document(self) -> dict[str, Any]:
        """The shape of `plan --json`."""
        by_step = {stack.step: stack for stack in self.stacks}
        return {
            "profile": self.profile.name,
            "target": self.profile.target,
            "offline": self.offline,
            "allowed": not self.refused,
            "refused": self.refused,
            "steps": [{**step, **_resources(by_step.get(step["name"]))} for step in self.steps],
            "total": _total(self.stacks),
            "changes": [
                {"path": c.path, "before": c.before, "after": c.after, "immutable": c.immutable} for c in self.changes
            ],
            "findings": [
                {"check": f.check, "ok": f.ok, "severity": f.severity, "message": f.message, "remedy": f.remedy}
                for f in self.findings
            ],
            "cost": self.cost.document() if self.cost else None,
            "budget": self.profile.budget.monthly if self.profile.budget else None,
            "requests": [
                {
                    "component": each.component,
                    "pods": each.pods,
                    "cpu": round(each.cpu, 3),
                    "memory": each.memory,
                    "volumes": each.volumes,
                }
                for each in self.requests
            ],
            "notes": list(self.notes),
        }


def plan_up(profile: Profile, home: Home, say: Say, *, offline: bool, picture: bool = False) -> Plan:
    """`picture`: whether every resource is wanted, not only those that change.

    Raises LifecycleError, EngineError, ClusterError, PricesInvalid.
    """
    recorder = Recorder(home)
    changes = planned.changes(recorder.record.profile, profile.model_dump(mode="json", by_alias=True))
    tools = _tools(profile)
    declared = Offline(profile, home)
    notes: list[str] = []
    stacks, install = _stacks(profile, home, say, declared, notes, offline=offline)
    if picture:
        stacks = tuple(replace(stack, declaration=declared.stack(stack.stack).declaration) for stack in stacks)
    cost = cost_of(profile)
    return Plan(
        profile=profile,
        offline=offline,
        steps=tuple(_step(step, recorder, tools) for step in planned.steps(profile)),
        changes=changes,
        stacks=stacks,
        findings=() if offline else (*findings(profile, home), *cloud_findings(profile)),
        cost=cost,
        requests=_requests(profile, install),
        notes=tuple(notes),
        refused="\n".join(reason for reason in (_fixed(changes), over_budget(profile, cost) if cost else "") if reason),
    )


def _stacks(
    profile: Profile, home: Home, say: Say, declared: Offline, notes: list[str], *, offline: bool
) -> tuple[tuple[StackChanges, ...], Install]:
    """The stacks, and what components are rendered from."""
    try:
        if offline or not home.exists:
            if not home.exists:
                notes.append("Nothing is installed yet: everything is created.")
            elif profile.state.backend != "home":
                notes.append(f"State is in {profile.state.backend}; offline it is not read: everything counts as new.")
            say("declaring what the programs want")
            return declared.stacks(), declared.install()
        with home.locked("plan"):
            previews = Previews(profile, home, say)
            return previews.stacks(declared.stack), previews.install() or declared.install()
    except VaultError as error:
        raise LifecycleError(f"The state of {profile.name!r} cannot be opened: {error}.") from error


def _step(step: planned.PlannedStep, recorder: Recorder, tools: list[ToolFinding]) -> dict[str, Any]:
    missing = [tool for tool in tools if tool.action in ("build", "extract")]
    known = recorder.record.steps.get(step.name)
    states = {"done": "done; will be checked", "failed": "failed; will be tried again", "running": "interrupted"}
    now = states[known.state] if known else "not done yet"
    expected = recorder.expected(step.name) or step.expected
    if step is planned.TOOLCHAIN:
        now = f"{len(missing)} of {len(tools)} tools to make" if missing else "all tools are there"
        expected = supplies.seconds_of(tools)
    return {"name": step.name, "title": step.title, "expected": expected, "now": now}


def _tools(profile: Profile) -> list[ToolFinding]:
    return supplies.tool_findings(profile, supplies.wanted_images(profile, chosen_components(profile)))


def _fixed(changes: tuple[planned.Change, ...]) -> str:
    fixed = [f"  {change.path}: {change.before!r} → {change.after!r}" for change in changes if change.immutable]
    return "\n".join(["These fields cannot change after the first `up`:", *fixed]) if fixed else ""


def _requests(profile: Profile, install: Install) -> tuple[Requests, ...]:
    nodes = _nodes(profile)
    found = (
        requests(component.name, component.objects(settings, install), nodes)
        for component, settings in chosen_components(profile)
    )
    return tuple(each for each in found if each.pods)


def _nodes(profile: Profile) -> int:
    """Nodes on which a DaemonSet runs; 1 where nobody can say."""
    if profile.local is not None:
        return profile.local.nodes
    if profile.onprem is not None:
        return len(profile.onprem.hosts)
    return sum(pool.expected or pool.minimum for pool in profile.cloud.pools) or 1 if profile.cloud else 1


def _resources(stack: StackChanges | None) -> dict[str, Any]:
    if stack is None:
        return {"counts": None, "resources": []}
    return {
        "counts": counts(stack.changes, stack.same),
        "resources": [_change(change) for change in stack.changes],
    }


def _change(change: ResourceChange) -> Mapping[str, Any]:
    return {
        "op": change.op,
        "kind": change.kind,
        "name": change.name,
        "properties": [
            {"path": each.path, "before": each.before, "after": each.after, "replaces": each.replaces}
            for each in change.properties
        ],
    }


def _total(stacks: tuple[StackChanges, ...]) -> dict[str, int]:
    parts = [counts(stack.changes, stack.same) for stack in stacks]
    return {name: sum(part[name] for part in parts) for name in counts(())}
