"""Where a cloud's load balancer put the gateway, and the domain that leads there."""

from __future__ import annotations

import time
from typing import Any

from components.gateway.names import NAME
from components.names import component_namespace
from infra.clusters.programs import address_program
from infra.engine.engine import Engine
from infra.engine.model import OnEvent
from infra.kubectl import Kubectl
from infra.lifecycle.errors import LifecycleError
from infra.lifecycle.names import ADDRESS_STACK, CLUSTER_STACK
from infra.lifecycle.runner import Say
from infra.profile.model import Profile

_SECONDS = 600.0


def point_domain(profile: Profile, engine: Engine, kubectl: Kubectl, say: Say, on_event: OnEvent) -> None:
    """The profile's domain leads to the gateway. Raises LifecycleError where the cloud gives no load balancer."""
    target = _await(kubectl, say)
    engine.up(ADDRESS_STACK, address_program(profile, target), on_event=on_event, refresh=True)


def name_servers(engine: Engine) -> tuple[str, ...]:
    """Those of the domain's zone, to be named in the zone above."""
    found = engine.outputs(CLUSTER_STACK).get("nameServers")
    return tuple(str(name) for name in found.value) if found and found.value else ()


def given_address(service: dict[str, Any]) -> str | None:
    """Host name or address that a Service of type LoadBalancer got; None as long as it has none."""
    for one in (service.get("status", {}).get("loadBalancer") or {}).get("ingress") or ():
        found = one.get("hostname") or one.get("ip")
        if found:
            return str(found)
    return None


def _await(kubectl: Kubectl, say: Say) -> str:
    deadline = time.monotonic() + _SECONDS
    while True:
        found = given_address(kubectl.get("service", NAME, component_namespace(NAME)))
        if found:
            return found
        if time.monotonic() > deadline:
            raise LifecycleError(
                f"The gateway has no load balancer after {_SECONDS:.0f} s. Its events say why: "
                f"kubectl -n {component_namespace(NAME)} describe service {NAME}"
            )
        say("waiting for the cloud to make the gateway's load balancer")
        time.sleep(3)
