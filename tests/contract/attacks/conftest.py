"""Two tenants with a workspace each, made by the real reconciler, and everybody who attacks from the first one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from components.names import Role
from controlplane.reconcile.service import Reconciler
from tests.contract.attacks.scene import RBAC, Scene, pod, role, stock_admin
from tests.contract.reconcile.world import FACTS, RememberedStorage, World, some_slug, some_spec, until
from tests.servers.kubernetes import KubernetesServer


@pytest.fixture(scope="package")
def scene(kubernetes_server: KubernetesServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    world = World(kubernetes_server, tmp_path_factory.mktemp("attacks"))
    reconciler = Reconciler(world.control_plane, RememberedStorage(), FACTS)
    tenant = some_slug("a")
    own = some_spec(tenant, "research")
    # The other tenant's name begins with the first one's: prefixes must not be confused.
    other = some_spec(f"{tenant}b", "research")
    for spec in (own, other):
        assert reconciler.apply(spec).ready
        world.settle(spec)
    people = {role.value: world.member(tenant, role) for role in Role}
    actors = {**people, "workload": world.account("workload", own.namespace, "workload")}
    made = Scene(world, own, other, actors, stock_admin(world, own.namespace))
    until("the stock administrator has every right", lambda: _rights_act(made))
    yield made
    reconciler.close()
    world.close()


def _rights_act(scene: Scene) -> bool:
    """Whether RBAC lets the stock administrator do what each binding gives."""
    namespace, actor = scene.own.namespace, scene.stock_admin
    some_role = role(namespace, "probe", ["escalate"], ["roles"], [RBAC])
    may = actor.create(pod(namespace, "probe"), dryRun="All").code == 200
    return may and "(rule: roles)" in actor.create(some_role, dryRun="All").message
