"""Buckets and grants of workspaces on GCP: the real client against Cloud Storage's documented API."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import requests
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from requests.adapters import HTTPAdapter

from components.storage.rights import GCP_PERMISSIONS
from controlplane.clouds.gcp.buckets import LIFECYCLE
from controlplane.clouds.gcp.grants import ROLE, principal
from controlplane.clouds.gcp.service import GcpStorage
from controlplane.storage.errors import BucketTaken, StorageAway, StorageRefused
from tests.contract.object_storage.crashes import Fuse, at_every_call
from tests.contract.reconcile.world import some_spec
from tests.servers.gcs import PROJECT, Gcs
from tests.unit.controlplane.clouds.samples import GCP

pytestmark = pytest.mark.contract
INSTALLATION = "prod"


class Watched(HTTPAdapter):
    """Tells the fuse of every request."""

    def __init__(self, fuse: Fuse) -> None:
        super().__init__(max_retries=0)
        self._fuse = fuse

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        call = f"{request.method} {request.url}"
        self._fuse.reached(call)
        answer = super().send(request, *args, **options)
        self._fuse.reached(f"{call} answered")
        return answer


class World:
    """GCP as far as it is needed."""

    def __init__(self, gcs: Gcs) -> None:
        self.gcs, self.fuse = gcs, Fuse()
        self.clients: list[storage.Client] = []

    def storage(self, installation: str = INSTALLATION) -> GcpStorage:
        """As a new process would make it."""
        client = storage.Client(
            PROJECT, credentials=AnonymousCredentials(), client_options={"api_endpoint": self.gcs.url}
        )
        client._http.mount("http://", Watched(self.fuse))
        self.clients.append(client)
        return GcpStorage(GCP, installation, client)

    def members(self, bucket: str) -> dict[str, list[str]]:
        return {b["role"]: sorted(b["members"]) for b in self.gcs.policies[bucket].get("bindings", [])}


@pytest.fixture
def world() -> Iterator[World]:
    gcs = Gcs().start()
    made = World(gcs)
    yield made
    for client in made.clients:
        client.close()
    gcs.stop()


def test_a_workspace_gets_a_closed_bucket_that_only_its_account_uses(world: World) -> None:
    spec, cloud = some_spec(), world.storage()
    assert cloud.ensure(spec) > 0
    assert cloud.ensure(spec) == 0, "nothing to do the second time"
    ((name, bucket),) = world.gcs.buckets.items()
    assert cloud.environment(spec) == {"MLP_BUCKET": name}
    assert cloud.annotations(spec) == {}
    assert bucket["labels"] == {
        "mlp-installation": INSTALLATION,
        "mlp-workspace-uid": spec.uid,
        "mlp-tenant": spec.tenant,
        "mlp-workspace": spec.name,
    }
    assert bucket["iamConfiguration"]["uniformBucketLevelAccess"]["enabled"] is True
    assert bucket["iamConfiguration"]["publicAccessPrevention"] == "enforced"
    assert bucket["versioning"] == {"enabled": True}
    assert bucket["encryption"]["defaultKmsKeyName"] == GCP.key
    assert bucket["lifecycle"]["rule"] == LIFECYCLE
    assert bucket["location"].lower() == GCP.location
    assert world.members(name) == {ROLE: [principal(GCP, spec)]}, "nothing for viewers of the project"


def test_whatever_was_changed_comes_back(world: World) -> None:
    spec, cloud = some_spec(), world.storage()
    cloud.ensure(spec)
    ((name, bucket),) = world.gcs.buckets.items()
    wide = {"role": "roles/storage.objectViewer", "members": ["allUsers"]}
    for change in (
        lambda: bucket["iamConfiguration"].update(publicAccessPrevention="inherited"),
        lambda: bucket.update(versioning={"enabled": False}),
        lambda: bucket.pop("encryption"),
        lambda: bucket["lifecycle"].update(rule=[]),
        lambda: bucket["labels"].pop("mlp-tenant"),
        lambda: world.gcs.policies[name]["bindings"].append(wide),
        lambda: world.gcs.policies[name].update(bindings=[]),
    ):
        change()
        assert cloud.ensure(spec) == 1
        assert cloud.ensure(spec) == 0


def test_a_suspended_workspace_loses_its_grant_and_gets_it_back(world: World) -> None:
    spec, cloud = some_spec(), world.storage()
    cloud.ensure(spec)
    (name,) = world.gcs.buckets
    suspended = replace(spec, suspended=True)
    assert cloud.ensure(suspended) == 1
    assert cloud.ensure(suspended) == 0
    assert world.members(name) == {}
    assert cloud.ensure(spec) == 1
    assert world.members(name) == {ROLE: [principal(GCP, spec)]}


def test_grants_of_others_that_were_made_meanwhile_stay(world: World) -> None:
    world.gcs.raced = 3
    spec, cloud = some_spec(), world.storage()
    cloud.ensure(spec)
    (name,) = world.gcs.buckets
    members = [member for found in world.gcs.policies[name]["bindings"] for member in found["members"]]
    assert sorted(members) == [*(f"group:auditors-{n}@example.com" for n in range(3)), principal(GCP, spec)]


def test_an_endless_race_is_a_temporary_failure(world: World) -> None:
    world.gcs.raced = 1000
    with pytest.raises(StorageAway, match="keeps changing"):
        world.storage().ensure(some_spec())


def test_too_many_requests_say_when_to_come_back(world: World) -> None:
    world.gcs.throttled = 1
    spec, cloud = some_spec(), world.storage()
    with pytest.raises(StorageAway, match="429") as error:
        cloud.ensure(spec)
    assert error.value.retry_after == 11
    assert cloud.ensure(spec) > 0


def test_a_service_that_is_away_is_a_temporary_failure(world: World) -> None:
    cloud = world.storage()
    world.gcs.stop()
    with pytest.raises(StorageAway, match="does not answer"):
        cloud.ensure(some_spec())


def test_killed_at_any_call_the_next_one_makes_exactly_one_of_everything(world: World) -> None:
    spec = some_spec()

    def begin() -> None:
        nonlocal spec
        spec = some_spec()
        world.storage().ensure(spec)

    def then(point: int) -> None:
        cloud = world.storage()
        cloud.ensure(spec)
        assert list(world.gcs.buckets) == [cloud.bucket(spec)]
        assert world.members(cloud.bucket(spec)) == {ROLE: [principal(GCP, spec)]}
        assert cloud.ensure(spec) == 0
        cloud.remove(spec, keep_data=False)
        assert world.gcs.buckets == {}, f"killed at {world.fuse.calls[-1]} ({point})"

    assert at_every_call(world.fuse, begin, then) >= 8


def test_killed_while_creating_or_removing_a_removal_leaves_nothing(world: World) -> None:
    spec = some_spec()

    def create() -> None:
        nonlocal spec
        spec = some_spec()
        world.storage().ensure(spec)

    def remove() -> None:
        blow_at, world.fuse.blow_at = world.fuse.blow_at, 0
        create()
        world.gcs.put(world.storage().bucket(spec), "a/b")
        world.fuse.passed, world.fuse.blow_at = 0, blow_at
        world.storage().remove(spec, keep_data=False)

    def then(point: int) -> None:
        world.storage().remove(spec, keep_data=False)
        assert world.gcs.buckets == {}, f"killed at call {point}"

    assert at_every_call(world.fuse, create, then) >= 8
    world.storage().remove(spec, keep_data=False)
    assert at_every_call(world.fuse, remove, then) >= 8


def test_removing_takes_every_generation(world: World) -> None:
    spec, cloud = some_spec(), world.storage()
    cloud.ensure(spec)
    for name in ("a/b", "a/b", "odd name?/ü#", *(f"many/{n}" for n in range(40))):
        world.gcs.put(cloud.bucket(spec), name)
    for _ in range(2):
        cloud.remove(spec, keep_data=False)
    assert world.gcs.buckets == {}


def test_kept_data_is_found_by_the_same_workspace_only(world: World) -> None:
    spec, cloud = some_spec(), world.storage()
    cloud.ensure(spec)
    name = cloud.bucket(spec)
    world.gcs.put(name, "old")
    cloud.remove(spec, keep_data=True)
    assert world.members(name) == {}
    heir = replace(spec, uid="another")
    cloud.ensure(heir)
    assert cloud.bucket(heir) != name
    assert world.members(name) == {}, "an heir of the name has the same principal, and no grant on the old bucket"
    assert cloud.ensure(spec) == 1


@pytest.mark.parametrize("mark", ["another workspace", "another installation", "no labels"])
def test_a_bucket_that_is_not_ours_is_not_taken(world: World, mark: str) -> None:
    spec, cloud = some_spec(), world.storage()
    name = cloud.bucket(spec)
    cloud.ensure(spec)
    world.gcs.put(name, "theirs")
    labels = world.gcs.buckets[name]["labels"]
    if mark == "no labels":
        labels.clear()
    else:
        labels["mlp-workspace-uid" if mark == "another workspace" else "mlp-installation"] = "someone"
    world.gcs.policies[name]["bindings"] = []
    with pytest.raises(BucketTaken, match="it was not touched"):
        cloud.ensure(spec)
    cloud.remove(spec, keep_data=False)
    assert (len(world.gcs.objects[name]), world.members(name)) == (1, {})


def test_a_bucket_that_says_nothing_to_us_is_an_error_and_no_silence(world: World) -> None:
    """Another project's, or a right is missing: a removal must not end as if nothing were left."""
    spec, cloud = some_spec(), world.storage()
    world.gcs.foreign(cloud.bucket(spec))
    for call in (lambda: cloud.ensure(spec), lambda: cloud.remove(spec, keep_data=False)):
        with pytest.raises(StorageRefused, match=r"buckets\.get: 403 Forbidden; the control plane's identity"):
            call()


def test_no_rights_are_needed_but_those_listed(world: World) -> None:
    spec, cloud = some_spec(), world.storage()
    cloud.ensure(spec)
    world.gcs.buckets[cloud.bucket(spec)]["versioning"] = {"enabled": False}
    cloud.ensure(spec)
    world.gcs.put(cloud.bucket(spec), "a")
    cloud.remove(spec, keep_data=False)
    called = set()
    for call in world.fuse.calls:
        method, _, url = call.removesuffix(" answered").partition(" ")
        parts = url.partition("?")[0].partition("/storage/v1/b")[2].strip("/").split("/")
        called.add(f"{method} {'/'.join(['b', *(['*'] if parts[0] else []), *parts[1:2]])}")
    needed = {
        "POST b": "storage.buckets.create",
        "GET b/*": "storage.buckets.get",
        "PATCH b/*": "storage.buckets.update",
        "DELETE b/*": "storage.buckets.delete",
        "GET b/*/iam": "storage.buckets.getIamPolicy",
        "PUT b/*/iam": "storage.buckets.setIamPolicy",
        "GET b/*/o": "storage.objects.list",
        "DELETE b/*/o": "storage.objects.delete",
    }
    assert {needed[call] for call in called} == set(GCP_PERMISSIONS)
