"""What components/storage relies on and promises, against a real versitygw: users, owners, policies, setup."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from components.storage.objects import HEALTH, ROOT_USER, server_arguments
from components.storage.policy import bucket_policy
from components.storage.settings import StorageSettings
from tests.servers.binaries import find
from tests.servers.ports import free_port

pytestmark = pytest.mark.contract

ROOT = Path(__file__).parents[2]
REGION = StorageSettings().region


@dataclass(frozen=True)
class Server:
    """A running versitygw with the component's own arguments."""

    port: int
    admin_port: int
    root_secret: str
    folder: Path

    def admin(self, path: str, body: str = "", owner: str = "", keys: tuple[str, str] | None = None) -> tuple[int, str]:
        """One admin call as the README says."""
        headers = {"x-vgw-owner": owner} if owner else {}
        request = AWSRequest("PATCH", f"http://127.0.0.1:{self.admin_port}{path}", headers, body.encode())
        S3SigV4Auth(Credentials(*(keys or (ROOT_USER, self.root_secret))), "s3", REGION).add_auth(request)
        connection = http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=10)
        connection.request("PATCH", path, body.encode(), dict(request.prepare().headers))
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def client(self, user: str, secret: str) -> Any:
        """An S3 client of that user."""
        return boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{self.port}",
            aws_access_key_id=user,
            aws_secret_access_key=secret,
            region_name=REGION,
            config=Config(retries={"max_attempts": 1}),
        )

    @property
    def root(self) -> Any:
        return self.client(ROOT_USER, self.root_secret)


def _arguments(folder: Path) -> list[str]:
    return [argument.replace("/data/", f"{folder}/") for argument in server_arguments(StorageSettings())]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("storage")
    for name in ("buckets", "versions", "users"):
        (folder / name).mkdir()
    port, admin_port = free_port(), free_port()
    root_secret = secrets.token_urlsafe(32)
    process = subprocess.Popen(
        [
            str(find("versitygw")),
            f"--port=127.0.0.1:{port}",
            f"--admin-port=127.0.0.1:{admin_port}",
            *_arguments(folder),
        ],
        env={**os.environ, "ROOT_ACCESS_KEY_ID": ROOT_USER, "ROOT_SECRET_ACCESS_KEY": root_secret},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(port)
        yield Server(port, admin_port, root_secret, folder)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", HEALTH)
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("versitygw did not answer")


def _workspace(server: Server, name: str) -> tuple[Any, str]:
    secret = secrets.token_urlsafe(32)
    account = f"<Account><Access>{name}</Access><Secret>{secret}</Secret><Role>user</Role></Account>"
    assert server.admin("/create-user", account)[0] == 201
    assert server.admin(f"/{name}/create", owner=name)[0] == 201
    server.root.put_bucket_policy(Bucket=name, Policy=json.dumps(bucket_policy(name, name)))
    return server.client(name, secret), secret


def _code(error: pytest.ExceptionInfo[ClientError]) -> int:
    return int(error.value.response["ResponseMetadata"]["HTTPStatusCode"])


def test_owner_uses_own_bucket(server: Server) -> None:
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
def test_another_user_is_refused(server: Server, call: str, arguments: dict[str, Any]) -> None:
    owner, thief = _pair(server)
    owner.put_object(Bucket="ws-victim", Key="secret", Body=b"mine")
    with pytest.raises(ClientError) as error:
        getattr(thief, call)(Bucket="ws-victim", **arguments)
    assert _code(error) == 403
    assert owner.get_object(Bucket="ws-victim", Key="secret")["Body"].read() == b"mine"


@pytest.mark.parametrize("source", ["ws-victim/secret", "/ws-victim/secret", "ws-thief/../ws-victim/secret"])
def test_another_user_cannot_copy(server: Server, source: str) -> None:
    owner, thief = _pair(server)
    owner.put_object(Bucket="ws-victim", Key="secret", Body=b"mine")
    with pytest.raises(ClientError) as error:
        thief.copy_object(Bucket="ws-thief", Key="stolen", CopySource=source)
    assert _code(error) in {400, 403}


_PAIR: dict[Path, tuple[Any, Any]] = {}


def _pair(server: Server) -> tuple[Any, Any]:
    if server.folder not in _PAIR:
        _PAIR[server.folder] = (_workspace(server, "ws-victim")[0], _workspace(server, "ws-thief")[0])
    return _PAIR[server.folder]


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
def test_nothing_without_keys(server: Server, path: str) -> None:
    owner, _ = _pair(server)
    owner.put_object(Bucket="ws-victim", Key="secret", Body=b"mine")
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("GET", path)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    assert answer.status in {400, 403, 404}
    assert b"mine" not in text
    assert b"accessAccounts" not in text


def test_owner_cannot_open_its_bucket_or_make_another(server: Server) -> None:
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


def test_admin_calls_need_root_and_the_admin_port(server: Server) -> None:
    _, secret = _workspace(server, "ws-plain")
    assert server.admin("/list-users", keys=("ws-plain", secret))[0] == 403
    on_s3 = Server(server.port, server.port, server.root_secret, server.folder)
    assert on_s3.admin("/list-users")[0] == 405


def test_answers_that_make_calls_idempotent(server: Server) -> None:
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


def test_new_keys_and_removal_act_at_once(server: Server) -> None:
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
                *("--", program, *_arguments(tmp_path)),
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
