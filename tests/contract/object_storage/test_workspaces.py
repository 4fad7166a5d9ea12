"""Users and buckets of workspaces on a real versitygw."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from components.storage.objects import ROOT_USER
from controlplane.reconcile.model import WorkspaceSpec
from controlplane.storage.credentials import Credentials, credentials, sealed
from controlplane.storage.errors import BucketTaken, StorageAway
from controlplane.storage.service import S3Storage
from tests.contract.reconcile.world import some_spec
from tests.servers.ports import free_port
from tests.servers.storage import REGION, StorageServer

pytestmark = pytest.mark.contract
KEY = b"k" * 32


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StorageServer]:
    running = StorageServer(tmp_path_factory.mktemp("storage")).start()
    yield running
    running.stop()


@pytest.fixture
def storage(server: StorageServer) -> Iterator[S3Storage]:
    made = connect(server)
    yield made
    made.close()


def connect(server: StorageServer, port: int | None = None) -> S3Storage:
    return S3Storage(
        url=server.url if port is None else f"http://127.0.0.1:{port}",
        admin_url=f"http://127.0.0.1:{server.admin_port if port is None else port}",
        region=REGION,
        root=Credentials(ROOT_USER, server.root_secret),
        key=KEY,
    )


def client(server: StorageServer, storage: S3Storage, spec: WorkspaceSpec) -> Any:
    environment = storage.environment(spec)
    return server.client(environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"])


def refused(call: Any, *codes: int, **arguments: Any) -> None:
    with pytest.raises(ClientError) as error:
        call(**arguments)
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] in (codes or (403,))


def test_a_workspace_gets_a_bucket_that_works(server: StorageServer, storage: S3Storage) -> None:
    spec = some_spec()
    assert storage.ensure(spec) == 1
    assert storage.ensure(spec) == 0, "nothing to do the second time"
    s3 = client(server, storage, spec)
    s3.put_object(Bucket=spec.namespace, Key="runs/1/model.bin", Body=b"weights")
    assert s3.get_object(Bucket=spec.namespace, Key="runs/1/model.bin")["Body"].read() == b"weights"
    assert storage.environment(spec)["MLP_BUCKET"] == spec.namespace


@pytest.mark.parametrize("suffix", ["b", "-b", "b--x"])
def test_others_are_refused_however_the_name_is_spelled(
    server: StorageServer, storage: S3Storage, suffix: str
) -> None:  # fmt: skip
    mine = some_spec()
    theirs = replace(mine, namespace=mine.namespace + suffix, uid=mine.uid + "b")
    for spec in (mine, theirs):
        storage.ensure(spec)
    owner, thief = client(server, storage, mine), client(server, storage, theirs)
    owner.put_object(Bucket=mine.namespace, Key="secret", Body=b"mine")
    for target in (mine, theirs):
        attacker, bucket = (thief, mine.namespace) if target is mine else (owner, theirs.namespace)
        for prefix in ("", "/", "../", f"../{bucket}/", "runs/", "*"):
            refused(attacker.list_objects_v2, Bucket=bucket, Prefix=prefix)
        refused(attacker.list_objects_v2, Bucket=bucket)
        refused(attacker.put_object, Bucket=bucket, Key="x", Body=b"")
        own = theirs.namespace if attacker is thief else mine.namespace
        for key in (f"../{bucket}/secret", f"..%2f{bucket}%2fsecret", f"/../{bucket}/secret", f"../../{bucket}/secret"):
            refused(attacker.get_object, 400, 403, 404, Bucket=own, Key=key)
            refused(attacker.copy_object, 400, 403, 404, Bucket=own, Key="stolen", CopySource=f"{own}/{key}")
    refused(thief.get_object, Bucket=mine.namespace, Key="secret")
    refused(thief.delete_object, Bucket=mine.namespace, Key="secret")
    assert [b["Name"] for b in thief.list_buckets()["Buckets"]] == [theirs.namespace]
    assert owner.get_object(Bucket=mine.namespace, Key="secret")["Body"].read() == b"mine"


def test_suspended_keys_stop_and_resumed_ones_work_again(server: StorageServer, storage: S3Storage) -> None:
    spec = some_spec()
    storage.ensure(spec)
    s3 = client(server, storage, spec)
    s3.put_object(Bucket=spec.namespace, Key="kept", Body=b"data")
    suspended = replace(spec, suspended=True)
    assert storage.ensure(suspended) == 1
    assert storage.ensure(suspended) == 0
    refused(s3.get_object, Bucket=spec.namespace, Key="kept")
    assert storage.ensure(spec) == 1
    assert s3.get_object(Bucket=spec.namespace, Key="kept")["Body"].read() == b"data"


def test_a_rotation_replaces_the_keys(server: StorageServer, storage: S3Storage) -> None:
    spec = some_spec()
    storage.ensure(spec)
    before = client(server, storage, spec)
    rotated = replace(spec, rotation=1)
    assert storage.ensure(rotated) == 1
    refused(before.list_objects_v2, Bucket=spec.namespace)
    assert client(server, storage, rotated).list_objects_v2(Bucket=spec.namespace)["KeyCount"] == 0


def test_an_interrupted_creation_is_adopted(server: StorageServer, storage: S3Storage) -> None:
    """Cut after the user, after the bucket, after the mark: each time the next call goes on from there."""
    for cut in range(1, 4):
        spec = some_spec()
        keys = credentials(KEY, spec)
        steps = (
            lambda keys=keys: storage._admin.ensure_user(keys),
            lambda spec=spec, keys=keys: storage._admin.ensure_bucket(spec.namespace, keys.access),
            lambda spec=spec: storage._buckets.mark(spec.namespace, spec.uid),
        )
        for step in steps[:cut]:
            step()
        assert storage.ensure(spec) == 1
        assert storage.ensure(spec) == 0
        everybody = json.dumps({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{spec.namespace}/*"}]})  # fmt: skip
        refused(client(server, storage, spec).put_bucket_policy, Bucket=spec.namespace, Policy=everybody)


def test_a_policy_that_was_changed_comes_back(server: StorageServer, storage: S3Storage) -> None:
    spec = some_spec()
    storage.ensure(spec)
    server.root.delete_bucket_policy(Bucket=spec.namespace)
    assert storage.ensure(spec) == 1
    assert storage.ensure(spec) == 0


def test_data_of_an_earlier_workspace_is_not_handed_on(server: StorageServer, storage: S3Storage) -> None:
    spec = some_spec()
    storage.ensure(spec)
    client(server, storage, spec).put_object(Bucket=spec.namespace, Key="old", Body=b"secret")
    storage.remove(spec, keep_data=True)
    heir = replace(spec, uid="another")
    with pytest.raises(BucketTaken, match=f"data of workspace {spec.uid}"):
        storage.ensure(heir)
    storage.remove(heir, keep_data=False)
    assert server.root.get_object(Bucket=spec.namespace, Key="old")["Body"].read() == b"secret"
    assert storage.ensure(spec) == 1, "the same workspace finds its data again"
    assert client(server, storage, spec).get_object(Bucket=spec.namespace, Key="old")["Body"].read() == b"secret"


def test_a_bucket_of_nobody_is_not_taken(server: StorageServer, storage: S3Storage) -> None:
    spec = some_spec()
    server.create_user(spec.namespace, spec.namespace)
    with pytest.raises(BucketTaken, match="this platform did not put there"):
        storage.ensure(spec)


def test_removing_takes_everything_and_may_be_repeated(server: StorageServer, storage: S3Storage) -> None:
    spec = some_spec()
    storage.ensure(spec)
    s3 = client(server, storage, spec)
    server.root.put_bucket_versioning(Bucket=spec.namespace, VersioningConfiguration={"Status": "Enabled"})
    for body in (b"1", b"2"):
        s3.put_object(Bucket=spec.namespace, Key="a/b", Body=body)
    s3.delete_object(Bucket=spec.namespace, Key="a/b")
    s3.create_multipart_upload(Bucket=spec.namespace, Key="unfinished")
    for _ in range(2):
        storage.remove(spec, keep_data=False)
    refused(s3.list_buckets)
    assert spec.namespace not in [b["Name"] for b in server.root.list_buckets()["Buckets"]]
    assert spec.namespace not in server.admin("/list-users")[1]


def test_a_cut_short_creation_can_be_removed(server: StorageServer, storage: S3Storage) -> None:
    spec = some_spec()
    keys = credentials(KEY, spec)
    storage._admin.ensure_user(keys)
    storage._admin.ensure_bucket(spec.namespace, keys.access)
    storage.remove(spec, keep_data=False)
    assert spec.namespace not in [b["Name"] for b in server.root.list_buckets()["Buckets"]]


def test_a_server_that_is_away_is_a_temporary_failure(server: StorageServer) -> None:
    away = connect(server, free_port())
    with pytest.raises(StorageAway):
        away.ensure(some_spec())
    away.close()


def test_no_error_tells_a_secret(server: StorageServer, storage: S3Storage) -> None:
    spec = some_spec()
    for keys in (credentials(KEY, spec), sealed(KEY, spec)):
        assert keys.secret not in repr(keys)
    away = connect(server, free_port())
    with pytest.raises(StorageAway) as error:
        away._admin.ensure_user(credentials(KEY, spec))
    away.close()
    assert credentials(KEY, spec).secret not in f"{error.value!r} {error.value.__cause__!r}"


def test_many_users_over_shared_connections_are_never_mixed_up(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The server's own cache of users did that: now and then one was refused with its right keys."""
    for round_number in range(6):
        server = StorageServer(tmp_path_factory.mktemp(f"mixed{round_number}")).start()
        storage = connect(server)
        try:
            for spec in [some_spec() for _ in range(12)]:
                storage.ensure(spec)
                assert storage.ensure(spec) == 0, "the keys work at once"
        finally:
            storage.close()
            server.stop()
