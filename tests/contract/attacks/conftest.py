"""Two tenants with a workspace each, made by the real reconciler, and everybody who attacks from the first one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from components.names import Role
from controlplane.kube import resources
from controlplane.reconcile.model import WorkspaceSpec
from controlplane.reconcile.service import Reconciler
from tests.contract.attacks.scene import Scene, stock_admin
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
        until("quotas are counted", lambda spec=spec: _counted(world, spec))
    people = {role.value: world.member(tenant, role) for role in Role}
    actors = {**people, "workload": world.account("workload", own.namespace, "workload")}
    yield Scene(world, own, other, actors, stock_admin(world, own.namespace))
    reconciler.close()
    world.close()


def _counted(world: World, spec: WorkspaceSpec) -> bool:
    quotas = list(world.admin.list(resources.RESOURCE_QUOTA, spec.namespace))
    return bool(quotas) and all(quota.get("status", {}).get("hard") for quota in quotas)
