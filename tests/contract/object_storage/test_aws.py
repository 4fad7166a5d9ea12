"""Buckets, roles and bindings of workspaces on AWS: real clients against moto and EKS' documented API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from moto import mock_aws
from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket

from components.facts import Aws
from controlplane.clouds.aws.clients import Clients
from controlplane.clouds.aws.service import AwsStorage
from controlplane.reconcile.model import WorkspaceSpec
from controlplane.storage.errors import BucketTaken, IdentityTaken, StorageAway
from tests.contract.object_storage.crashes import Fuse, at_every_call
from tests.contract.reconcile.world import some_spec
from tests.identity_support.iam import Request, permitted
from tests.servers.eks_identity import EksIdentity
from tests.unit.controlplane.clouds.samples import AWS, IRSA

pytestmark = pytest.mark.contract
INSTALLATION = "prod"
HERE = AWS.model_copy(update={"account": "123456789012"})
"""moto's account."""
WIDE = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
)
ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


class World:
    """AWS as far as it is needed, and what is in it."""

    def __init__(self, eks: EksIdentity, aws: Aws = HERE) -> None:
        self.eks, self.aws, self.fuse = eks, aws, Fuse()
        self.clients = Clients.connect(aws.region, {"eks": eks.url})
        self._watched = Clients.connect(aws.region, {"eks": eks.url})
        for client in (self._watched.s3, self._watched.iam, self._watched.eks):
            client.meta.events.register("before-call", self._before)
            client.meta.events.register("after-call", self._after)

    def storage(self, installation: str = INSTALLATION) -> AwsStorage:
        """As a new process would make it."""
        return AwsStorage(self.aws, installation, self._watched)

    def _before(self, model: Any, **_: Any) -> None:
        self.fuse.reached(model.name)

    def _after(self, model: Any, **_: Any) -> None:
        self.fuse.reached(f"{model.name} answered")

    def put(self, bucket: str, key: str, body: bytes = b"data") -> None:
        self.clients.s3.put_object(Bucket=bucket, Key=key, Body=body)

    def read(self, bucket: str, key: str) -> bytes:
        return bytes(self.clients.s3.get_object(Bucket=bucket, Key=key)["Body"].read())

    def there(self) -> dict[str, list[str]]:
        """Names of everything that exists."""
        return {
            "buckets": [bucket["Name"] for bucket in self.clients.s3.list_buckets()["Buckets"]],
            "roles": [role["RoleName"] for role in self.clients.iam.list_roles(PathPrefix="/mlp/")["Roles"]],
            "bindings": [f"{a['namespace']}/{a['serviceAccount']}" for a in self.eks.associations.values()],
        }


def _judged(bucket: Any, action: str, resource: str) -> PermissionResult:
    """moto obeys a Deny without looking at its conditions; here it looks, for an operator of the account over TLS."""
    if bucket.policy is None:
        return PermissionResult.NEUTRAL
    context = {
        "aws:SecureTransport": "true",
        "s3:TlsVersion": "1.3",
        "aws:PrincipalArn": f"arn:aws:iam::{HERE.account}:role/mlp-prod-workspaces",
        "aws:PrincipalAccount": HERE.account,
        "aws:PrincipalIsAWSService": "false",
    }
    allowed = permitted(Request(action, resource, "", context), [ALL], [json.loads(bucket.policy)])
    return PermissionResult.NEUTRAL if allowed else PermissionResult.DENIED


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setattr(FakeBucket, "get_permission", _judged)
    eks = EksIdentity().start()
    with mock_aws():
        yield World(eks)
    eks.stop()


def _tag(world: World, name: str, **tags: str) -> None:
    tag_set = [{"Key": key.replace("_", ":", 1).replace("_", "-"), "Value": value} for key, value in tags.items()]
    world.clients.s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tag_set})


def everything_once(world: World, storage: AwsStorage, spec: WorkspaceSpec) -> None:
    name = storage.place(spec).name
    assert world.there() == {"buckets": [name], "roles": [name], "bindings": [f"{spec.namespace}/workload"]}


def test_a_workspace_gets_a_closed_bucket_a_role_and_its_binding(world: World) -> None:
    spec, storage = some_spec(), world.storage()
    assert storage.ensure(spec) > 0
    assert storage.ensure(spec) == 0, "nothing to do the second time"
    everything_once(world, storage, spec)
    place, s3, iam = storage.place(spec), world.clients.s3, world.clients.iam
    of = {"Bucket": place.name}
    assert storage.environment(spec) == {"MLP_BUCKET": place.name}
    assert all(s3.get_public_access_block(**of)["PublicAccessBlockConfiguration"].values())
    assert s3.get_bucket_ownership_controls(**of)["OwnershipControls"]["Rules"] == [
        {"ObjectOwnership": "BucketOwnerEnforced"}
    ]
    (rule,) = s3.get_bucket_encryption(**of)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": HERE.key}
    assert rule["BucketKeyEnabled"] is True
    assert s3.get_bucket_versioning(**of)["Status"] == "Enabled"
    assert {tag["Key"]: tag["Value"] for tag in s3.get_bucket_tagging(**of)["TagSet"]} == {
        "mlp:installation": INSTALLATION,
        "mlp:workspace-uid": spec.uid,
        "mlp:tenant": spec.tenant,
        "mlp:workspace": spec.name,
    }
    role = iam.get_role(RoleName=place.name)["Role"]
    assert (role["Arn"], role["Path"], role["MaxSessionDuration"]) == (place.role_arn, "/mlp/tenants/", 3600)
    assert iam.list_attached_role_policies(RoleName=place.name)["AttachedPolicies"] == []
    (binding,) = world.eks.associations.values()
    assert binding["roleArn"] == place.role_arn


def test_a_boundary_is_set_and_comes_back(world: World) -> None:
    boundary = world.clients.iam.create_policy(PolicyName="boundary", PolicyDocument=WIDE)["Policy"]["Arn"]
    world.aws = HERE.model_copy(update={"permissions_boundary": boundary})
    spec, storage = some_spec(), world.storage()
    storage.ensure(spec)
    name, iam = storage.place(spec).name, world.clients.iam
    assert iam.get_role(RoleName=name)["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundary
    iam.delete_role_permissions_boundary(RoleName=name)
    assert storage.ensure(spec) == 1
    assert iam.get_role(RoleName=name)["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundary


def test_whatever_was_changed_comes_back(world: World) -> None:
    spec, storage = some_spec(), world.storage()
    storage.ensure(spec)
    name, s3, iam = storage.place(spec).name, world.clients.s3, world.clients.iam
    of = {"Bucket": name}
    everybody = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}  # fmt: skip
    for change in (
        lambda: s3.delete_public_access_block(**of),
        lambda: s3.delete_bucket_policy(**of),
        lambda: s3.delete_bucket_encryption(**of),
        lambda: s3.delete_bucket_lifecycle(**of),
        lambda: s3.put_bucket_versioning(VersioningConfiguration={"Status": "Suspended"}, **of),
        lambda: iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(everybody)),
        lambda: iam.put_role_policy(RoleName=name, PolicyName="more", PolicyDocument=WIDE),
        lambda: iam.delete_role_policy(RoleName=name, PolicyName="workspace"),
        lambda: iam.update_role(RoleName=name, MaxSessionDuration=43200),
        world.eks.associations.clear,
    ):
        change()
        assert storage.ensure(spec) == 1
        assert storage.ensure(spec) == 0
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == ["workspace"]


def test_a_suspended_workspace_loses_access_and_gets_it_back(world: World) -> None:
    spec, storage = some_spec(), world.storage()
    storage.ensure(spec)
    name, s3, iam = storage.place(spec).name, world.clients.s3, world.clients.iam
    world.put(name, "kept")
    before = s3.get_bucket_policy(Bucket=name)["Policy"]
    suspended = replace(spec, suspended=True)
    assert storage.ensure(suspended) > 0
    assert storage.ensure(suspended) == 0
    assert world.eks.associations == {}
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == []
    assert s3.get_bucket_policy(Bucket=name)["Policy"] != before
    assert storage.ensure(spec) > 0
    everything_once(world, storage, spec)
    assert s3.get_bucket_policy(Bucket=name)["Policy"] == before
    assert world.read(name, "kept") == b"data"


def test_killed_at_any_call_the_next_one_makes_exactly_one_of_everything(world: World) -> None:
    spec = some_spec()

    def begin() -> None:
        nonlocal spec
        spec = some_spec()
        world.storage().ensure(spec)

    def then(point: int) -> None:
        storage = world.storage()
        storage.ensure(spec)
        everything_once(world, storage, spec)
        assert storage.ensure(spec) == 0, f"as wanted after a crash at {world.fuse.calls[-1]} ({point})"
        storage.remove(spec, keep_data=False)
        assert world.there() == {"buckets": [], "roles": [], "bindings": []}

    assert at_every_call(world.fuse, begin, then) >= 30


def test_killed_while_creating_or_removing_a_removal_leaves_nothing(world: World) -> None:
    spec = some_spec()

    def create() -> None:
        nonlocal spec
        spec = some_spec()
        world.storage().ensure(spec)

    def remove() -> None:
        nonlocal spec
        blow_at, world.fuse.blow_at = world.fuse.blow_at, 0
        create()
        world.put(world.storage().place(spec).name, "a/b")
        world.fuse.passed, world.fuse.blow_at = 0, blow_at
        world.storage().remove(spec, keep_data=False)

    def then(point: int) -> None:
        world.storage().remove(spec, keep_data=False)
        assert world.there() == {"buckets": [], "roles": [], "bindings": []}, f"killed at call {point}"

    assert at_every_call(world.fuse, create, then) >= 30
    world.storage().remove(spec, keep_data=False)
    assert at_every_call(world.fuse, remove, then) >= 12


def test_removing_takes_every_version_and_may_be_repeated(world: World) -> None:
    spec, storage = some_spec(), world.storage()
    storage.ensure(spec)
    s3, name = world.clients.s3, storage.place(spec).name
    for body in (b"1", b"2"):
        s3.put_object(Bucket=name, Key="a/b", Body=body)
    s3.delete_object(Bucket=name, Key="a/b")
    s3.create_multipart_upload(Bucket=name, Key="unfinished")
    for _ in range(2):
        storage.remove(spec, keep_data=False)
    assert world.there() == {"buckets": [], "roles": [], "bindings": []}


def test_kept_data_is_found_by_the_same_workspace_only(world: World) -> None:
    spec, storage = some_spec(), world.storage()
    storage.ensure(spec)
    name = storage.place(spec).name
    world.put(name, "old", b"secret")
    storage.remove(spec, keep_data=True)
    assert world.there() == {"buckets": [name], "roles": [], "bindings": []}
    heir = replace(spec, uid="another")
    storage.ensure(heir)
    assert storage.place(heir).name != name, "an heir of the name gets a bucket of its own"
    storage.remove(heir, keep_data=False)
    assert storage.ensure(spec) > 0
    assert world.read(name, "old") == b"secret"


@pytest.mark.parametrize("mark", ["another workspace", "another installation", "no tags but data"])
def test_a_bucket_that_is_not_ours_is_not_taken(world: World, mark: str) -> None:
    spec, storage = some_spec(), world.storage()
    name, s3 = storage.place(spec).name, world.clients.s3
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": HERE.region})
    s3.put_object(Bucket=name, Key="theirs", Body=b"data")
    if mark == "another workspace":
        _tag(world, name, mlp_installation=INSTALLATION, mlp_workspace_uid="someone")
    elif mark == "another installation":
        _tag(world, name, mlp_installation="dev", mlp_workspace_uid=spec.uid)
    with pytest.raises(BucketTaken, match="it was not touched"):
        storage.ensure(spec)
    storage.remove(spec, keep_data=False)
    assert s3.get_object(Bucket=name, Key="theirs")["Body"].read() == b"data"
    assert world.there()["roles"] == []


def test_a_role_that_is_not_ours_is_not_taken(world: World) -> None:
    spec, storage = some_spec(), world.storage()
    name, iam = storage.place(spec).name, world.clients.iam
    iam.create_role(RoleName=name, Path="/mlp/tenants/", AssumeRolePolicyDocument="{}")
    with pytest.raises(IdentityTaken, match="IAM role"):
        storage.ensure(spec)
    storage.remove(spec, keep_data=False)
    assert world.there()["roles"] == [name]
    assert world.eks.associations == {}


def test_a_binding_that_is_not_ours_is_not_taken(world: World) -> None:
    spec, storage = some_spec(), world.storage()
    world.clients.eks.create_pod_identity_association(
        clusterName=HERE.cluster, namespace=spec.namespace, serviceAccount="workload", roleArn="arn:aws:iam::1:role/x"
    )
    with pytest.raises(IdentityTaken, match="Pod Identity"):
        storage.ensure(spec)
    storage.remove(spec, keep_data=False)
    (left,) = world.eks.associations.values()
    assert left["roleArn"] == "arn:aws:iam::1:role/x"


def test_two_installations_in_one_account_do_not_meet(world: World) -> None:
    spec = some_spec()
    mine, theirs = world.storage(), world.storage("prod-2")
    mine.ensure(spec)
    assert mine.place(spec).name != theirs.place(spec).name
    theirs.remove(spec, keep_data=False)
    everything_once(world, mine, spec)


def test_irsa_shows_the_role_on_the_service_account_and_binds_nothing(world: World) -> None:
    world.aws = IRSA.model_copy(update={"account": HERE.account})
    spec, storage = some_spec(), world.storage()
    storage.ensure(spec)
    assert storage.annotations(spec) == {"eks.amazonaws.com/role-arn": storage.place(spec).role_arn}
    assert storage.annotations(replace(spec, suspended=True)) == {}
    assert storage.ensure(replace(spec, suspended=True)) > 0
    assert world.clients.iam.list_role_policies(RoleName=storage.place(spec).name)["PolicyNames"] == []
    storage.ensure(spec)
    storage.remove(spec, keep_data=False)
    assert not [call for call in world.fuse.calls if "PodIdentity" in call], "there is no right to ask EKS"
    assert world.there() == {"buckets": [], "roles": [], "bindings": []}


def test_suspending_takes_rights_away_before_anything_that_may_fail(world: World) -> None:
    spec, storage = some_spec(), world.storage()
    storage.ensure(spec)
    name = storage.place(spec).name
    _tag(world, name, mlp_installation=INSTALLATION, mlp_workspace_uid="someone")
    with pytest.raises(BucketTaken):
        storage.ensure(replace(spec, suspended=True))
    assert world.eks.associations == {}
    assert world.clients.iam.list_role_policies(RoleName=name)["PolicyNames"] == []


def test_a_role_that_eks_does_not_know_yet_is_waited_for(world: World) -> None:
    world.eks.unknown_roles = 2
    spec, storage = some_spec(), world.storage()
    storage.ensure(spec)
    everything_once(world, storage, spec)


def test_throttling_is_a_temporary_failure_that_says_when_to_come_back(world: World) -> None:
    world.eks.throttled = 10
    with pytest.raises(StorageAway, match="ThrottlingException") as error:
        world.storage().ensure(replace(some_spec(), suspended=False))
    assert error.value.retry_after == 7


def test_no_rights_are_needed_but_those_listed(world: World) -> None:
    """docs and the cluster's program grant these; what is called beyond them would fail in a real account."""
    from components.storage.rights import AWS_RIGHTS

    spec, storage = some_spec(), world.storage()
    storage.ensure(spec)
    storage.ensure(replace(spec, suspended=True))
    name, iam = storage.place(spec).name, world.clients.iam
    wide = iam.create_policy(PolicyName="wide", PolicyDocument=WIDE)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName=name, PolicyArn=wide)
    storage.ensure(spec)
    world.put(name, "a")
    storage.remove(spec, keep_data=False)
    called = {call for call in world.fuse.calls if not call.endswith(" answered")}
    assert called <= set(AWS_RIGHTS), f"not among the rights: {sorted(called - set(AWS_RIGHTS))}"
