"""What each stack would change, by the engine's own preview with the real plugins: for installations that exist.

A stack of Kubernetes objects is looked at without the engine first: where its program declares what the state has, and
the cluster has that too, an update would do nothing, and the engine takes minutes of processor time to say so.

Every image and tool that the programs name is made first where it is missing, as `up` would.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial

from components.contract import Install, KubernetesObject
from infra.clusters.existing import existing_cluster
from infra.clusters.outputs import ClusterOutputs, from_engine
from infra.clusters.programs import address_program
from infra.engine.engine import Engine
from infra.engine.model import Change, Op, Program, Result
from infra.installation.home import Home
from infra.installation.pki import gateway_certificate, server_certificate
from infra.installation.record import read_record
from infra.installation.secrets import open_secrets
from infra.lifecycle import supplies
from infra.lifecycle.access import gateway_names
from infra.lifecycle.bills import stack_bill
from infra.lifecycle.cluster import cluster_stack
from infra.lifecycle.engines import open_engine
from infra.lifecycle.facts import chosen_components
from infra.lifecycle.names import (
    ADDRESS_STACK,
    CLUSTER_STACK,
    COMPONENTS_STACK,
    CONTROL_PLANE_STACK,
)
from infra.lifecycle.offline import StackChanges, kept_stack
from infra.lifecycle.runner import Say
from infra.lifecycle.unchanged import unchanged
from infra.plan.difference import Op as PlannedOp
from infra.plan.difference import PropertyChange, Resource, ResourceChange, property_changes
from infra.profile.model import Profile
from infra.stacks.components import Bill
from infra.supply.model import ImageSet
from infra.toolchain.model import Tool

_OPS: dict[Op, PlannedOp] = {
    Op.CREATE: "create",
    Op.UPDATE: "change",
    Op.REPLACE: "replace",
    Op.DELETE: "destroy",
}
DRIFTED = "(drifted)"
"""Shown as the value before where the program did not change but the real thing did."""


class Previews:
    """The stacks of one installation as the engine sees them. Nothing but caches changes."""

    def __init__(self, profile: Profile, home: Home, say: Say) -> None:
        self._profile = profile
        self._home = home
        self._say = say
        self._bills: dict[str, Bill] = {}

    def stacks(self, declared: Callable[[str], StackChanges]) -> tuple[StackChanges, ...]:
        """In the order of `up`. Stacks that were never made are as `declared` says. Raises EngineError, ClusterError,
        SupplyError, ToolchainError."""
        programs: dict[str, Callable[[], Program]] = {
            CLUSTER_STACK: lambda: cluster_stack(self._profile, self._tools, self._images),
            COMPONENTS_STACK: lambda: self._bill(COMPONENTS_STACK),
            ADDRESS_STACK: lambda: address_program(self._profile, self._address()),
            CONTROL_PLANE_STACK: lambda: self._bill(CONTROL_PLANE_STACK),
        }
        if self._profile.existing is not None:
            del programs[CLUSTER_STACK]
        if self._profile.cloud is None:
            del programs[ADDRESS_STACK]
        there = [stack for stack in programs if self._engine.exists(stack)]
        with ThreadPoolExecutor() as pool:
            # What the engine need not be asked about is found out beside it.
            looked = {
                stack: pool.submit(self._unchanged, stack, self._bill(stack))
                for stack in (COMPONENTS_STACK, CONTROL_PLANE_STACK)
                if stack in there
            }
            return tuple(
                ((stack in looked and looked[stack].result()) or self._preview(stack, program()))
                if stack in there
                else declared(stack)
                for stack, program in programs.items()
            )

    def install(self) -> Install | None:
        """What components are rendered from; None where there is no cluster yet."""
        there = self._profile.existing is not None or self._engine.exists(COMPONENTS_STACK)
        return self._bill(COMPONENTS_STACK).install if there else None

    def _preview(self, stack: str, program: Program) -> StackChanges:
        self._say(f"asking the engine about stack {stack}")
        return stack_changes(self._engine.preview(stack, program, refresh=True))

    def _unchanged(self, stack: str, program: Bill) -> StackChanges | None:
        if self._profile.engine.kubernetes_plugin != "embedded":
            return None
        self._say(f"comparing stack {stack} with the cluster")
        return unchanged(stack, program, kept_stack(self._home, stack))

    @cached_property
    def _tools(self) -> dict[str, Tool]:
        wanted = supplies.wanted_images(self._profile, chosen_components(self._profile))
        return supplies.get_tools(supplies.wanted_tools(self._profile, wanted), self._say)

    @cached_property
    def _images(self) -> ImageSet:
        wanted = supplies.wanted_images(self._profile, chosen_components(self._profile))
        _ = self._tools
        return supplies.build_images(self._profile, wanted, self._say)

    @cached_property
    def _engine(self) -> Engine:
        return open_engine(self._profile, self._home, self._tools["pulumi"].path)

    @cached_property
    def _cluster(self) -> ClusterOutputs:
        if self._profile.existing is None:
            return from_engine(self._engine.outputs(CLUSTER_STACK))
        ranges, existing = self._profile.kubernetes.ranges, self._profile.existing
        return existing_cluster(existing.kubeconfig, existing.context, ranges.pods, ranges.services, ranges.nodes)

    def _bill(self, stack: str) -> Bill:
        if stack not in self._bills:
            self._bills[stack] = stack_bill(
                stack,
                self._profile,
                self._cluster,
                self._images.references,
                gateway_certificate(self._home, gateway_names(self._profile)),
                secret=open_secrets(self._home).get,
                server_certificate=partial(server_certificate, self._home),
                upstream=self._upstream,
            )
        return self._bills[stack]

    @cached_property
    def _upstream(self) -> dict[str, tuple[KubernetesObject, ...]]:
        return supplies.get_upstream(chosen_components(self._profile), self._say)

    def _address(self) -> str:
        """Where the domain leads to as last applied."""
        outputs = self._engine.outputs(ADDRESS_STACK)
        return str(outputs["target"].value) if "target" in outputs else read_record(self._home).facts["public_url"]


def stack_changes(result: Result) -> StackChanges:
    """A preview's result in the plan's words. Pure."""
    changes = tuple(_change(each) for each in result.changes if each.op in _OPS)
    return StackChanges(result.stack, changes, result.counts.get(Op.SAME, 0))


def _change(change: Change) -> ResourceChange:
    op = _OPS[change.op]
    name = change.resource
    if op in ("create", "destroy"):
        return ResourceChange(op, name.kind, name.name, name.urn)
    found = property_changes(
        Resource(name.urn, name.kind, name.name, change.before),
        Resource(name.urn, name.kind, name.name, change.after),
        frozenset(change.replaces),
    )
    shown = {each.path for each in found}
    unexplained = [path for path in change.properties if not any(_touches(path, known) for known in shown)]
    drifted = tuple(PropertyChange(path, DRIFTED, None, path in change.replaces) for path in unexplained)
    return ResourceChange(op, name.kind, name.name, name.urn, (*found, *drifted))


def _touches(one: str, other: str) -> bool:
    return one == other or one.startswith((f"{other}.", f"{other}[")) or other.startswith((f"{one}.", f"{one}["))
