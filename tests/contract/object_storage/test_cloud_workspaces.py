"""A workspace whose cloud names its identity only when it makes it, on a real API server: Azure is that case."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from components import storage as storage_component
from components.names import Role
from controlplane.clouds.azure.client import Clients
from controlplane.clouds.azure.service import AzureStorage
from controlplane.kube import resources
from controlplane.reconcile.errors import ApplyIncomplete
from controlplane.reconcile.model import WorkspaceSpec
from controlplane.reconcile.service import Reconciler
from tests.contract.object_storage.crashes import Fuse
from tests.contract.object_storage.test_azure import Token, Watched
from tests.contract.reconcile.world import FACTS, World, some_spec
from tests.servers.arm import Arm
from tests.servers.kubernetes import KubernetesServer
from tests.unit.controlplane.clouds.samples import AZURE

pytestmark = pytest.mark.contract
CLOUD_FACTS = FACTS.model_copy(update={"target": "azure", "cloud": AZURE, "storage": None})
CLIENT = "azure.workload.identity/client-id"
POLICY = "allow-cloud-storage"


@pytest.fixture(scope="module")
def world(kubernetes_server: KubernetesServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(kubernetes_server, tmp_path_factory.mktemp("world"))
    yield made
    made.close()


@dataclass
class Site:
    """The cluster, the cloud, and a control plane between them."""

    world: World
    arm: Arm
    clients: Clients
    reconciler: Reconciler

    def restarted(self) -> Reconciler:
        """As another process has it: it remembers nothing."""
        return Reconciler(
            self.world.control_plane,
            AzureStorage(AZURE, "prod", self.clients),
            CLOUD_FACTS,
            [storage_component.COMPONENT],
        )

    def account(self, spec: WorkspaceSpec, name: str = "workload") -> dict[str, str]:
        found = self.world.admin.get(resources.SERVICE_ACCOUNT, spec.namespace, name)
        return {k: v for k, v in found["metadata"]["annotations"].items() if not k.startswith("mlp.io/")}

    def policies(self, spec: WorkspaceSpec) -> set[str]:
        return {o["metadata"]["name"] for o in self.world.admin.list(resources.NETWORK_POLICY, spec.namespace)}


@pytest.fixture
def site(world: World, tmp_path: Path) -> Iterator[Site]:
    arm = Arm(tmp_path).start()
    clients = Clients.connect(AZURE.subscription, Token(), base_url=arm.url, transport=Watched(Fuse(), arm.ca))
    made = Site(world, arm, clients, None)  # type: ignore[arg-type]
    made.reconciler = made.restarted()
    yield made
    made.reconciler.close()
    clients.close()
    arm.stop()


def test_one_apply_makes_the_identity_and_shows_it(site: Site) -> None:
    spec = some_spec()
    made = site.reconciler.apply(spec)
    assert made.ready
    assert made.requests <= 36
    (identity,) = site.arm.of("userAssignedIdentities")
    client = identity["properties"]["clientId"]
    assert site.account(spec) == {CLIENT: client, "azure.workload.identity/tenant-id": AZURE.tenant}
    assert site.account(spec, "default") == {}, "the account of pods that name none has no identity"
    assert POLICY in site.policies(spec)
    config = site.world.admin.get(resources.CONFIG_MAP, spec.namespace, "storage")
    assert config["data"]["AZURE_STORAGE_ACCOUNT_NAME"] == AZURE.storage_account
    again = site.restarted()
    assert again.apply(spec).writes == 0
    assert again.suspects([spec]) == ()
    again.close()


def test_a_suspended_workspace_shows_no_identity_and_has_no_way(site: Site) -> None:
    spec = some_spec()
    site.reconciler.apply(spec)
    before = site.account(spec)
    suspended = replace(spec, suspended=True, generation=2)
    site.reconciler.apply(suspended)
    assert site.account(spec) == {}
    assert site.policies(spec) == {"default-deny"}
    assert site.arm.of("federatedIdentityCredentials") == site.arm.of("roleAssignments") == []
    site.reconciler.apply(replace(spec, generation=3))
    assert site.account(spec) == before
    assert POLICY in site.policies(spec)


def test_suspending_closes_the_cluster_while_the_cloud_is_away(site: Site) -> None:
    spec = some_spec()
    site.reconciler.apply(spec)
    site.arm.throttled = 1000
    another = site.restarted()
    with pytest.raises(ApplyIncomplete) as error:
        another.apply(replace(spec, suspended=True, generation=2))
    another.close()
    assert error.value.retry_after == 13
    assert site.policies(spec) == {"default-deny"}
    assert site.account(spec) == {}


def test_an_identity_that_was_made_anew_is_shown(site: Site) -> None:
    spec = some_spec()
    site.reconciler.apply(spec)
    before = site.account(spec)
    (identity,) = site.arm.of("userAssignedIdentities")
    del site.arm.resources[identity["id"]]
    site.reconciler.apply(spec)
    (identity,) = site.arm.of("userAssignedIdentities")
    assert site.account(spec)[CLIENT] == identity["properties"]["clientId"] != before[CLIENT]


@pytest.mark.parametrize(
    "key",
    [
        "azure.workload.identity/client-id", "azure.workload.identity/tenant-id", "eks.amazonaws.com/role-arn",
        "eks.amazonaws.com/audience", "iam.gke.io/gcp-service-account", "iam.gke.io/return-principal-id-as-email",
    ],
)  # fmt: skip
@pytest.mark.parametrize("role", list(Role))
def test_members_cannot_choose_an_identity(site: Site, key: str, role: Role) -> None:
    spec = some_spec()
    site.reconciler.apply(spec)
    site.world.settle(spec)
    member, before = site.world.member(spec.tenant, role), site.account(spec)
    path = f"/api/v1/namespaces/{spec.namespace}/serviceaccounts"
    merge = "application/merge-patch+json"
    attempts: list[tuple[str, str, Any, str]] = [
        ("PATCH", f"{path}/{name}", {"metadata": {"annotations": {key: value}}}, merge)
        for name in ("workload", "default")
        for value in ("somebody", None)
    ]
    fresh = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "x", "annotations": {key: "somebody"}}}
    attempts += [("POST", path, fresh, "application/json"), ("DELETE", f"{path}/workload", None, "application/json")]
    for method, at, body, kind in attempts:
        assert member.attempt(method, at, body, kind).code == 403, (method, at, body)
    assert site.account(spec) == before
    if role is Role.ADMIN:
        plain = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "plain"}}
        assert member.attempt("POST", path, plain).code == 200, "accounts without an identity are theirs to make"


def test_deleting_takes_the_identity_before_the_namespace(site: Site) -> None:
    spec = some_spec()
    site.reconciler.apply(spec)
    steps: list[str] = []
    left: list[int] = []

    def report(step: str, message: str = "") -> None:
        steps.append(step)
        left.append(len(site.arm.resources))

    site.reconciler.delete(spec, report)
    assert steps[0] == "storage"
    assert left[0] == 4
    assert set(left[1:]) == {0}
