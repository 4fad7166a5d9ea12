"""Containers, identities and role assignments of workspaces on Azure: real clients against the documented API."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.pipeline.transport import RequestsTransport

from components.storage.rights import AZURE_ACTIONS
from controlplane.clouds.azure import grants
from controlplane.clouds.azure.client import Clients
from controlplane.clouds.azure.service import AzureStorage
from controlplane.reconcile.model import WorkspaceSpec
from controlplane.storage.errors import BucketTaken, IdentityTaken, StorageAway
from tests.contract.object_storage.crashes import Fuse, at_every_call
from tests.contract.reconcile.world import some_spec
from tests.servers.arm import Arm
from tests.unit.controlplane.clouds.samples import AZURE

pytestmark = pytest.mark.contract
INSTALLATION = "prod"


class Token:
    """A credential; no test asks Entra ID."""

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        return AccessToken("token", 4102444800)


class Watched(RequestsTransport):
    """Tells the fuse of every request."""

    def __init__(self, fuse: Fuse, ca: Path) -> None:
        super().__init__(connection_verify=str(ca))
        self._fuse = fuse

    def send(self, request: Any, **options: Any) -> Any:
        call = f"{request.method} {request.url}"
        self._fuse.reached(call)
        answer = super().send(request, **options)
        self._fuse.reached(f"{call} answered")
        return answer


class World:
    """Azure as far as it is needed."""

    def __init__(self, arm: Arm) -> None:
        self.arm, self.fuse = arm, Fuse()
        self.now = 0.0
        self._clients = Clients.connect(
            AZURE.subscription, Token(), base_url=arm.url, transport=Watched(self.fuse, arm.ca)
        )

    def storage(self, installation: str = INSTALLATION) -> AzureStorage:
        """As a new process would make it."""
        return AzureStorage(AZURE, installation, self._clients, clock=lambda: self.now)

    def close(self) -> None:
        self._clients.close()

    def there(self) -> dict[str, list[str]]:
        """Names of everything that exists."""
        return {
            "containers": [each["name"] for each in self.arm.of("containers")],
            "identities": [each["name"] for each in self.arm.of("userAssignedIdentities")],
            "credentials": [each["properties"]["subject"] for each in self.arm.of("federatedIdentityCredentials")],
            "assignments": [each["properties"]["principalId"] for each in self.arm.of("roleAssignments")],
        }


NOTHING: dict[str, list[str]] = {"containers": [], "identities": [], "credentials": [], "assignments": []}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    arm = Arm(tmp_path).start()
    made = World(arm)
    yield made
    made.close()
    arm.stop()


def everything_once(world: World, cloud: AzureStorage, spec: WorkspaceSpec) -> None:
    (identity,) = world.arm.of("userAssignedIdentities")
    assert world.there() == {
        "containers": [cloud.name(spec)],
        "identities": [cloud.name(spec)],
        "credentials": [f"system:serviceaccount:{spec.namespace}:workload"],
        "assignments": [identity["properties"]["principalId"]],
    }


def test_a_workspace_gets_a_container_that_only_its_identity_uses(world: World) -> None:
    spec, cloud = some_spec(), world.storage()
    assert cloud.ensure(spec) > 0
    assert cloud.ensure(spec) == 0, "nothing to do the second time"
    everything_once(world, cloud, spec)
    (identity,), (container,) = world.arm.of("userAssignedIdentities"), world.arm.of("containers")
    (credential,), (assignment,) = world.arm.of("federatedIdentityCredentials"), world.arm.of("roleAssignments")
    assert identity["id"].split("/")[4] == AZURE.resource_group
    assert identity["tags"]["mlp-installation"] == INSTALLATION
    assert container["id"] == grants.container_scope(AZURE, cloud.name(spec))
    assert container["properties"] == {
        "publicAccess": "None",
        "metadata": {
            "mlp_installation": INSTALLATION,
            "mlp_workspace_uid": spec.uid,
            "mlp_tenant": spec.tenant,
            "mlp_workspace": spec.name,
        },
    }
    assert credential["properties"]["issuer"] == AZURE.oidc_issuer
    assert credential["properties"]["audiences"] == [grants.AUDIENCE]
    assert assignment["properties"]["scope"] == container["id"]
    assert assignment["properties"]["principalType"] == "ServicePrincipal"
    assert assignment["properties"]["roleDefinitionId"].endswith(grants.ROLE)
    assert cloud.environment(spec) == {"MLP_BUCKET": cloud.name(spec)}


def test_the_service_account_shows_the_identity_that_azure_named(world: World) -> None:
    spec, cloud = some_spec(), world.storage()
    assert cloud.annotations(spec) == {}, "there is none yet"
    cloud.ensure(spec)
    (identity,) = world.arm.of("userAssignedIdentities")
    wanted = {
        "azure.workload.identity/client-id": identity["properties"]["clientId"],
        "azure.workload.identity/tenant-id": AZURE.tenant,
    }
    assert cloud.annotations(spec) == wanted
    assert world.storage().annotations(spec) == wanted, "another process asks"
    assert cloud.annotations(replace(spec, suspended=True)) == {}


def test_identities_of_many_workspaces_are_asked_for_once(world: World) -> None:
    specs = [some_spec() for _ in range(5)]
    for spec in specs:
        world.storage().ensure(spec)
    cloud, world.fuse.passed = world.storage(), 0
    assert all(cloud.annotations(spec) for spec in specs)
    assert world.fuse.passed == 2, "one request, before and after"
    for each in world.arm.of("userAssignedIdentities"):
        each["properties"]["clientId"] = "made-anew"
    world.now = 601
    assert cloud.annotations(specs[0])["azure.workload.identity/client-id"] == "made-anew"


def test_whatever_was_changed_comes_back(world: World) -> None:
    spec, cloud = some_spec(), world.storage()
    cloud.ensure(spec)
    arm, name = world.arm, cloud.name(spec)
    (container,), (credential,) = arm.of("containers"), arm.of("federatedIdentityCredentials")
    (assignment,) = arm.of("roleAssignments")
    other = {"id": credential["id"][: -len("workload")] + "other", "name": "other", "properties": {
        "issuer": "https://evil.example", "subject": "x", "audiences": ["y"]}}  # fmt: skip
    intruder = {"id": assignment["id"] + "0", "name": "0", "properties": {
        **assignment["properties"], "principalId": "another-workspace"}}  # fmt: skip
    for change in (
        lambda: container["properties"].update(publicAccess="Container"),
        lambda: container["properties"]["metadata"].pop("mlp_tenant"),
        lambda: credential["properties"].update(subject="system:serviceaccount:evil:workload"),
        lambda: arm.resources.pop(credential["id"]),
        lambda: arm.resources.update({other["id"]: other}),
        lambda: arm.resources.pop(assignment["id"]),
        lambda: arm.resources.update({intruder["id"]: intruder}),
    ):
        change()
        assert cloud.ensure(spec) == 1
        assert cloud.ensure(spec) == 0
        everything_once(world, cloud, spec)
    assert name in assignment["properties"]["scope"]


def test_what_people_were_given_stays(world: World) -> None:
    spec, cloud = some_spec(), world.storage()
    cloud.ensure(spec)
    (assignment,) = world.arm.of("roleAssignments")
    person = {"id": assignment["id"] + "1", "name": "1", "properties": {
        **assignment["properties"], "principalId": "a-person", "principalType": "User"}}  # fmt: skip
    world.arm.resources[person["id"]] = person
    assert cloud.ensure(spec) == 0
    assert person["id"] in world.arm.resources


def test_a_suspended_workspace_loses_access_and_gets_it_back(world: World) -> None:
    spec, cloud = some_spec(), world.storage()
    cloud.ensure(spec)
    suspended = replace(spec, suspended=True)
    assert cloud.ensure(suspended) == 2
    assert cloud.ensure(suspended) == 0
    assert (world.there()["credentials"], world.there()["assignments"]) == ([], [])
    assert cloud.ensure(spec) == 2
    everything_once(world, cloud, spec)


def test_what_azure_does_not_know_yet_is_waited_for(world: World) -> None:
    world.arm.unknown_principals, world.arm.unknown_parents = 2, 2
    spec, cloud = some_spec(), world.storage()
    cloud.ensure(spec)
    everything_once(world, cloud, spec)


def test_too_many_requests_say_when_to_come_back(world: World) -> None:
    world.arm.throttled = 1
    spec, cloud = some_spec(), world.storage()
    with pytest.raises(StorageAway, match="429") as error:
        cloud.ensure(spec)
    assert error.value.retry_after == 13
    assert cloud.ensure(spec) > 0


def test_a_container_on_its_way_out_is_a_temporary_failure(world: World) -> None:
    world.arm.being_deleted = 1
    spec, cloud = some_spec(), world.storage()
    with pytest.raises(StorageAway, match="ContainerBeingDeleted"):
        cloud.ensure(spec)
    assert cloud.ensure(spec) > 0


def test_a_service_that_is_away_is_a_temporary_failure(world: World) -> None:
    world.arm.stop()
    with pytest.raises(StorageAway, match="does not answer"):
        world.storage().ensure(some_spec())


def test_killed_at_any_call_the_next_one_makes_exactly_one_of_everything(world: World) -> None:
    spec = some_spec()

    def begin() -> None:
        nonlocal spec
        spec = some_spec()
        world.storage().ensure(spec)

    def then(point: int) -> None:
        cloud = world.storage()
        cloud.ensure(spec)
        everything_once(world, cloud, spec)
        assert cloud.ensure(spec) == 0
        cloud.remove(spec, keep_data=False)
        assert world.there() == NOTHING, f"killed at {world.fuse.calls[-1]} ({point})"

    assert at_every_call(world.fuse, begin, then) >= 16


def test_killed_while_creating_or_removing_a_removal_leaves_nothing(world: World) -> None:
    spec = some_spec()

    def create() -> None:
        nonlocal spec
        spec = some_spec()
        world.storage().ensure(spec)

    def remove() -> None:
        blow_at, world.fuse.blow_at = world.fuse.blow_at, 0
        create()
        world.fuse.passed, world.fuse.blow_at = 0, blow_at
        world.storage().remove(spec, keep_data=False)

    def then(point: int) -> None:
        world.storage().remove(spec, keep_data=False)
        assert world.there() == NOTHING, f"killed at call {point}"

    assert at_every_call(world.fuse, create, then) >= 16
    world.storage().remove(spec, keep_data=False)
    assert at_every_call(world.fuse, remove, then) >= 14


def test_kept_data_is_found_by_the_same_workspace_only(world: World) -> None:
    spec, cloud = some_spec(), world.storage()
    cloud.ensure(spec)
    cloud.remove(spec, keep_data=True)
    assert world.there() == {**NOTHING, "containers": [cloud.name(spec)]}
    heir = replace(spec, uid="another")
    cloud.ensure(heir)
    assert cloud.name(heir) != cloud.name(spec)
    cloud.remove(heir, keep_data=False)
    assert cloud.ensure(spec) > 0
    everything_once(world, cloud, spec)


@pytest.mark.parametrize("key", ["mlp_workspace_uid", "mlp_installation"])
def test_a_container_that_is_not_ours_is_not_taken(world: World, key: str) -> None:
    spec, cloud = some_spec(), world.storage()
    cloud.ensure(spec)
    (container,) = world.arm.of("containers")
    cloud.remove(spec, keep_data=True)
    container["properties"]["metadata"][key] = "someone"
    with pytest.raises(BucketTaken, match="it was not touched"):
        cloud.ensure(spec)
    cloud.remove(spec, keep_data=False)
    assert world.there() == {**NOTHING, "containers": [cloud.name(spec)]}


@pytest.mark.parametrize("key", ["mlp-workspace-uid", "mlp-installation"])
def test_an_identity_that_is_not_ours_is_not_taken(world: World, key: str) -> None:
    spec, cloud = some_spec(), world.storage()
    cloud.ensure(spec)
    (identity,) = world.arm.of("userAssignedIdentities")
    identity["tags"][key] = "someone"
    before = world.there()
    with pytest.raises(IdentityTaken, match="managed identity"):
        cloud.ensure(spec)
    assert world.storage().annotations(spec) == {}
    cloud.remove(spec, keep_data=False)
    assert world.there() == before


def test_no_rights_are_needed_but_those_listed(world: World) -> None:
    spec, cloud = some_spec(), world.storage()
    cloud.annotations(spec)
    cloud.ensure(spec)
    cloud.ensure(replace(spec, suspended=True))
    cloud.ensure(spec)
    cloud.remove(spec, keep_data=False)
    assert world.arm.actions == set(AZURE_ACTIONS)
