"""`platform up`: the named steps from a profile to a running platform. Each finds out itself what is left to do."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

from components.contract import KubernetesObject, ServerCertificate
from infra.api.client import Unreachable
from infra.clusters.outputs import ClusterOutputs
from infra.engine.engine import Engine
from infra.engine.errors import ResourcesFailed
from infra.engine.model import Event as EngineEvent
from infra.engine.model import EventKind
from infra.installation.home import Home, write_private
from infra.installation.pki import gateway_certificate, server_certificate
from infra.installation.record import Recorder
from infra.installation.secrets import open_secrets
from infra.kubectl import Kubectl
from infra.lifecycle import supplies
from infra.lifecycle.access import gateway_names, sign_in
from infra.lifecycle.bills import stack_bill
from infra.lifecycle.broken import broken
from infra.lifecycle.cluster import make_cluster
from infra.lifecycle.costs import refuse_over_budget
from infra.lifecycle.engines import open_engine
from infra.lifecycle.errors import LifecycleError
from infra.lifecycle.facts import chosen_components
from infra.lifecycle.first_tenant import make_first_tenant
from infra.lifecycle.gateway_address import name_servers, point_domain
from infra.lifecycle.names import ADMIN_ACCOUNT, COMPONENTS_STACK, CONTROL_PLANE_STACK
from infra.lifecycle.offline import kept_stack
from infra.lifecycle.preflight import check_machine
from infra.lifecycle.progress import Report
from infra.lifecycle.reach import wait_for_rights
from infra.lifecycle.runner import Say, Step, run
from infra.lifecycle.status import urls
from infra.lifecycle.unchanged import unchanged
from infra.plan import steps as planned
from infra.profile.model import Profile
from infra.stacks.components import Bill
from infra.supply.model import ImageSet
from infra.toolchain.model import Tool


def install(profile: Profile, home: Home, report: Report, until: str | None = None) -> dict[str, Any]:
    """Runs every step, or those up to `until`. Gives the document of `up --json`: ready, broken, urls, login, ca_file,
    next, seconds.

    Raises ImmutableChanged, or Refused for a budget that is too small, before anything is touched; StepFailed with
    the cause chained.
    """
    began = time.monotonic()
    recorder = Recorder(home)
    refuse_immutable(profile, home, recorder)
    refuse_over_budget(profile)
    recorder.record.source = home.source
    up = Up(profile, home, recorder)
    steps = up.steps()
    names = [step.planned.name for step in steps]
    last = names.index(until) if until else len(steps) - 1
    run(steps[: last + 1], recorder, report)
    recorder.record.installed |= last == len(steps) - 1
    recorder.record.broken = up.broken
    recorder.save()
    return {
        "ready": last == len(steps) - 1 and not up.broken,
        "broken": up.broken,
        "urls": urls(profile),
        "name_servers": list(up.name_servers()) if last >= names.index(planned.CLUSTER.name) else [],
        "login": {"account": ADMIN_ACCOUNT, "password_command": f"platform password{home.flag}"},
        "ca_file": str(home.pki / "ca.crt"),
        "next": _next(profile, home.flag),
        "seconds": round(time.monotonic() - began, 1),
    }


def refuse_immutable(profile: Profile, home: Home, recorder: Recorder) -> None:
    """Raises ImmutableChanged naming both values of every field that cannot change."""
    from infra.installation.errors import ImmutableChanged

    changes = planned.changes(recorder.record.profile, profile.model_dump(mode="json", by_alias=True))
    fixed = [f"  {c.path}: {c.before!r} → {c.after!r}" for c in changes if c.immutable]
    if fixed:
        raise ImmutableChanged(
            "\n".join(["These fields cannot change after the first `up`:", *fixed])
            + f"\nSet them back, or remove the installation first: platform down{home.flag}"
        )


class Up:
    """The work of each step, and what one step hands to the next."""

    def __init__(self, profile: Profile, home: Home, recorder: Recorder) -> None:
        self._profile = profile
        self._home = home
        self._recorder = recorder
        self._components = chosen_components(profile)
        self._tools: dict[str, Tool] = {}
        self._upstream: dict[str, tuple[KubernetesObject, ...]] = {}
        self._images: ImageSet | None = None
        self._cluster: ClusterOutputs | None = None
        self.broken: dict[str, str] = {}
        """Optional component → why it could not be installed."""

    def steps(self) -> list[Step]:
        work: dict[str, Callable[[Say], None]] = {
            planned.PREFLIGHT.name: lambda say: check_machine(self._profile, self._home, say),
            planned.TOOLCHAIN.name: self._get_tools,
            planned.IMAGES.name: self._build_images,
            planned.CLUSTER.name: self._make_cluster,
            planned.PUSH.name: self._push,
            planned.ADDRESS.name: self._point_domain,
            planned.COMPONENTS.name: self._install_components,
            planned.CONTROL_PLANE.name: self._install_control_plane,
            planned.FIRST_TENANT.name: lambda _: make_first_tenant(self._profile, self._home),
        }
        known = {planned.TOOLCHAIN.name: self._seconds_of_tools}
        return [Step(step, work[step.name], known.get(step.name)) for step in planned.steps(self._profile)]

    @cached_property
    def _wanted_images(self) -> list[Any]:
        return supplies.wanted_images(self._profile, self._components)

    @cached_property
    def _engine(self) -> Engine:
        return open_engine(self._profile, self._home, self._tools["pulumi"].path)

    @cached_property
    def _certificate(self) -> ServerCertificate:
        return gateway_certificate(self._home, gateway_names(self._profile))

    def _seconds_of_tools(self) -> float:
        return supplies.seconds_of(supplies.tool_findings(self._profile, self._wanted_images))

    def _get_tools(self, say: Say) -> None:
        self._tools = supplies.get_tools(supplies.wanted_tools(self._profile, self._wanted_images), say)
        self._upstream = supplies.get_upstream(self._components, say)
        self._recorder.record.supply |= {name: tool.origin for name, tool in self._tools.items()}

    def _build_images(self, say: Say) -> None:
        self._images = supplies.build_images(self._profile, self._wanted_images, say)
        self._recorder.record.images = dict(self._images.references)

    def _make_cluster(self, say: Say) -> None:
        # From here on there is something that the immutable fields describe.
        self._recorder.record.profile = self._profile.model_dump(mode="json", by_alias=True)
        self._recorder.save()
        images = _given(self._images)
        self._cluster = make_cluster(self._profile, self._engine, self._tools, images, tell(say))
        write_private(self._home.kubeconfig, self._cluster.kubeconfig)
        if self._profile.cloud is not None:
            wait_for_rights(self._kubectl, say)

    @property
    def _kubectl(self) -> Kubectl:
        return Kubectl(self._tools["kubectl"].path, self._home.kubeconfig)

    def _push(self, say: Say) -> None:
        supplies.push_images(self._profile, _given(self._images), say)

    def _point_domain(self, say: Say) -> None:
        point_domain(self._profile, self._engine, self._kubectl, say, tell(say))

    def _install_components(self, say: Say) -> None:
        """Optional components that are broken are noted; the others, and the steps after this one, go on."""
        bill = self._bill(COMPONENTS_STACK)
        if self._unchanged(COMPONENTS_STACK, bill, say):
            return
        try:
            self._engine.up(COMPONENTS_STACK, bill, on_event=tell(say), refresh=True, go_on=True)
        except ResourcesFailed as error:
            self.broken = broken(error.failures, bill.components, bill.install)
            if not self.broken:
                raise

    def _unchanged(self, stack: str, bill: Bill, say: Say) -> bool:
        """Whether there is nothing to do, which the engine takes long to find out."""
        if self._profile.engine.kubernetes_plugin != "embedded" or not self._engine.exists(stack):
            return False
        say("comparing with what is there")
        return unchanged(stack, bill, kept_stack(self._home, stack)) is not None

    def _bill(self, stack: str) -> Bill:
        cluster, images = _given(self._cluster), _given(self._images).references
        bill = stack_bill(
            stack,
            self._profile,
            cluster,
            images,
            self._certificate,
            secret=open_secrets(self._home).get,
            server_certificate=partial(server_certificate, self._home),
            upstream=self._upstream,
        )
        self._recorder.record.facts = bill.install.facts.model_dump(mode="json")
        return bill

    def _install_control_plane(self, say: Say) -> None:
        bill = self._bill(CONTROL_PLANE_STACK)
        if not self._unchanged(CONTROL_PLANE_STACK, bill, say):
            self._engine.up(CONTROL_PLANE_STACK, bill, on_event=tell(say), refresh=True)
        say("waiting for the control plane to answer at the gateway")
        try:
            sign_in(self._home)
        except Unreachable as error:
            if self._profile.cloud is None:
                raise
            servers = ", ".join(name_servers(self._engine)) or "its name servers"
            raise LifecycleError(
                f"{error}\nThe zone above {self._profile.cloud.domain} must delegate it to {servers}; and this machine "
                "must be in a network that reaches the gateway."
            ) from error

    def name_servers(self) -> tuple[str, ...]:
        """Of the zone of a cloud's domain; nothing on other targets."""
        return name_servers(self._engine) if self._profile.cloud is not None else ()


def _given(value: Any) -> Any:
    if value is None:
        raise LifecycleError("A step before this one did not run; start `platform up` again.")
    return value


def tell(say: Say) -> Callable[[EngineEvent], None]:
    """Engine events in one line: how many resources are done, and what the current one waits for."""

    def tell(event: EngineEvent) -> None:
        of = f" of {event.counts.expected}" if event.counts.expected else ""
        progress = f"{event.counts.done}{of} resources"
        if event.resource is None:
            return
        name = f"{event.resource.kind.rpartition(':')[2]} {event.resource.name}"
        match event.kind:
            case EventKind.WAITING | EventKind.FAILED:
                say(f"{progress}; {name}: {event.text}")
            case EventKind.STARTED | EventKind.FINISHED:
                say(f"{progress}; {name}")
            case _:
                pass

    return tell


def _next(profile: Profile, flag: str) -> list[str]:
    tenant = profile.first_tenant.name if profile.first_tenant else "NAME"
    return [
        f"platform status{flag}",
        f"platform workspace create {tenant}/second",
        f"platform verify{flag}",
        f"platform down{flag}",
    ]
