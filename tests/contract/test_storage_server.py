"""What components/storage relies on and promises, against a real versitygw: users, owners, policies, setup."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from components.storage.objects import HEALTH, ROOT_USER
from components.storage.policy import bucket_policy
from tests.servers.binaries import find
from tests.servers.storage import REGION, StorageServer, arguments

pytestmark = pytest.mark.contract

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StorageServer]:
    running = StorageServer(tmp_path_factory.mktemp("storage")).start()
    yield running
    running.stop()


def _workspace(server: StorageServer, name: str) -> tuple[Any, str]:
    secret = server.create_user(name, name)
    server.root.put_bucket_policy(Bucket=name, Policy=json.dumps(bucket_policy(name, name)))
    return server.client(name, secret), secret


def _code(error: pytest.ExceptionInfo[ClientError]) -> int:
    return int(error.value.response["ResponseMetadata"]["HTTPStatusCode"])


def test_owner_uses_own_bucket(server: StorageServer) -> None:
    client, _ = _workspace(server, "ws-own--one")
    client.put_object(Bucket="ws-own--one", Key="models/1/model.bin", Body=b"weights")
    assert client.get_object(Bucket="ws-own--one", Key="models/1/model.bin")["Body"].read() == b"weights"
    assert [entry["Key"] for entry in client.list_objects_v2(Bucket="ws-own--one")["Contents"]] == [
        "models/1/model.bin"
    ]
    upload = client.create_multipart_upload(Bucket="ws-own--one", Key="big")["UploadId"]
    part = client.upload_part(Bucket="ws-own--one", Key="big", UploadId=upload, PartNumber=1, Body=b"x" * 1024)
    client.complete_multipart_upload(
        Bucket="ws-own--one",
        Key="big",
        UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
    )
    assert client.head_object(Bucket="ws-own--one", Key="big")["ContentLength"] == 1024
    client.delete_object(Bucket="ws-own--one", Key="big")
    assert [bucket["Name"] for bucket in client.list_buckets()["Buckets"]] == ["ws-own--one"]


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("list_objects_v2", {}),
        ("list_object_versions", {}),
        ("head_bucket", {}),
        ("get_bucket_policy", {}),
        ("get_bucket_acl", {}),
        ("delete_bucket", {}),
        ("get_object", {"Key": "secret"}),
        ("head_object", {"Key": "secret"}),
        ("put_object", {"Key": "secret", "Body": b""}),
        ("delete_object", {"Key": "secret"}),
        ("create_multipart_upload", {"Key": "new"}),
        ("put_bucket_policy", {"Policy": json.dumps(bucket_policy("ws-victim", "ws-thief"))}),
        ("put_bucket_versioning", {"VersioningConfiguration": {"Status": "Suspended"}}),
    ],
)
def test_another_user_is_refused(pair: tuple[Any, Any], call: str, arguments: dict[str, Any]) -> None:
    owner, thief = pair
    owner.put_object(Bucket="ws-victim", Key="secret", Body=b"mine")
    with pytest.raises(ClientError) as error:
        getattr(thief, call)(Bucket="ws-victim", **arguments)
    assert _code(error) == 403
    assert owner.get_object(Bucket="ws-victim", Key="secret")["Body"].read() == b"mine"


@pytest.mark.parametrize("source", ["ws-victim/secret", "/ws-victim/secret", "ws-thief/../ws-victim/secret"])
def test_another_user_cannot_copy(pair: tuple[Any, Any], source: str) -> None:
    owner, thief = pair
    owner.put_object(Bucket="ws-victim", Key="secret", Body=b"mine")
    with pytest.raises(ClientError) as error:
        thief.copy_object(Bucket="ws-thief", Key="stolen", CopySource=source)
    assert _code(error) in {400, 403}


@pytest.fixture(scope="module")
def pair(server: StorageServer) -> tuple[Any, Any]:
    """Clients of the users ws-victim and ws-thief, each with a bucket of its name."""
    return _workspace(server, "ws-victim")[0], _workspace(server, "ws-thief")[0]


@pytest.mark.parametrize(
    "path",
    [
        "/ws-victim/secret",
        "/ws-victim",
        "/",
        "/ws-thief/..%2fws-victim/secret",
        "/..%2fusers/users.json",
        "/users/users.json",
    ],
)
def test_nothing_without_keys(server: StorageServer, pair: tuple[Any, Any], path: str) -> None:
    owner, _ = pair
    owner.put_object(Bucket="ws-victim", Key="secret", Body=b"mine")
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("GET", path)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    assert answer.status in {400, 403, 404}
    assert b"mine" not in text
    assert b"accessAccounts" not in text


def test_owner_cannot_open_its_bucket_or_make_another(server: StorageServer) -> None:
    client, _ = _workspace(server, "ws-open")
    everybody = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::ws-open/*"}
        ],
    }
    for attempt in (
        lambda: client.put_bucket_policy(Bucket="ws-open", Policy=json.dumps(everybody)),
        lambda: client.delete_bucket_policy(Bucket="ws-open"),
        lambda: client.put_bucket_acl(Bucket="ws-open", ACL="public-read"),
        lambda: client.delete_bucket(Bucket="ws-open"),
        lambda: client.create_bucket(Bucket="ws-another"),
    ):
        with pytest.raises(ClientError) as error:
            attempt()
        assert _code(error) in {400, 403}


def test_admin_calls_need_root_and_the_admin_port(server: StorageServer) -> None:
    _, secret = _workspace(server, "ws-plain")
    assert server.admin("/list-users", keys=("ws-plain", secret))[0] == 403
    assert server.admin("/list-users", port=server.port)[0] == 405


def test_answers_that_make_calls_idempotent(server: StorageServer) -> None:
    _workspace(server, "ws-again")
    account = "<Account><Access>ws-again</Access><Secret>x</Secret><Role>user</Role></Account>"
    assert server.admin("/create-user", account)[0] == 409
    status, text = server.admin("/ws-again/create", owner="ws-again")
    assert (status, "BucketAlreadyOwnedByYou" in text) == (409, True)
    assert server.admin("/ws-new/create", owner="nobody")[0] == 404
    assert server.admin("/update-user?access=nobody", "<MutableProps><Secret>y</Secret></MutableProps>")[0] == 404
    assert server.admin("/change-bucket-owner?bucket=none&owner=ws-again")[0] == 404
    assert server.admin("/delete-user?access=nobody")[0] == 200
    assert "<Name>ws-again</Name><Owner>ws-again</Owner>" in server.admin("/list-buckets")[1]


def test_new_keys_and_removal_act_at_once(server: StorageServer) -> None:
    client, _ = _workspace(server, "ws-gone")
    client.put_object(Bucket="ws-gone", Key="a", Body=b"")
    assert (
        server.admin("/update-user?access=ws-gone", "<MutableProps><Secret>rotated</Secret></MutableProps>")[0] == 200
    )
    with pytest.raises(ClientError) as error:
        client.list_objects_v2(Bucket="ws-gone")
    assert _code(error) == 403
    renewed = server.client("ws-gone", "rotated")
    assert renewed.list_objects_v2(Bucket="ws-gone")["KeyCount"] == 1
    with pytest.raises(ClientError) as error:
        server.root.delete_bucket(Bucket="ws-gone")
    assert _code(error) == 409
    server.root.delete_object(Bucket="ws-gone", Key="a")
    server.root.delete_bucket(Bucket="ws-gone")
    assert server.admin("/delete-user?access=ws-gone")[0] == 200
    with pytest.raises(ClientError) as error:
        renewed.list_buckets()
    assert _code(error) == 403


def test_setup_makes_users_and_buckets_again_and_again(tmp_path: Path) -> None:
    program = str(find("versitygw"))
    (tmp_path / "secrets").mkdir()
    for secret in ("first-secret", "second-secret"):
        (tmp_path / "secrets" / "tracking").write_text(secret)
        done = subprocess.run(
            [
                sys.executable,
                str(ROOT / "components/storage/setup.py"),
                *("--folders", *(str(tmp_path / name) for name in ("buckets", "versions", "users"))),
                f"--health={HEALTH}",
                f"--region={REGION}",
                f"--secrets={tmp_path / 'secrets'}",
                "--owner=tracking=mlflow",
                *("--", program, *arguments(tmp_path)),
            ],
            env={**os.environ, "ROOT_ACCESS_KEY_ID": ROOT_USER, "ROOT_SECRET_ACCESS_KEY": "root-secret"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        assert "bucket mlflow belongs to user tracking" in done.stdout
        assert secret not in done.stdout + done.stderr
        users = json.loads((tmp_path / "users" / "users.json").read_text())["accessAccounts"]
        assert (users["tracking"]["secret"], users["tracking"]["role"]) == (secret, "user")
    assert (tmp_path / "buckets" / "mlflow").is_dir()
