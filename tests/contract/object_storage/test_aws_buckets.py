"""The S3 calls of workspaces on AWS against a real S3 server, as far as versitygw knows them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from components.storage.objects import ROOT_USER
from controlplane.clouds.aws.buckets import Buckets
from controlplane.clouds.aws.clients import Clients
from tests.servers.storage import REGION, StorageServer
from tests.unit.controlplane.clouds.samples import AWS

pytestmark = pytest.mark.contract
MARKS = {"mlp:installation": "prod", "mlp:workspace-uid": "1", "mlp:tenant": "acme"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StorageServer]:
    running = StorageServer(tmp_path_factory.mktemp("storage")).start()
    yield running
    running.stop()


@pytest.fixture
def buckets(server: StorageServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Buckets]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ROOT_USER)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.root_secret)
    clients = Clients.connect(REGION, {"s3": server.url})
    yield Buckets(clients, REGION, ROOT_USER, AWS.key)
    clients.close()


def test_a_bucket_bears_its_marks_from_its_first_moment(buckets: Buckets) -> None:
    assert buckets.tags("mlp-prod-ws-1") is None
    buckets.create("mlp-prod-ws-1", MARKS)
    assert buckets.tags("mlp-prod-ws-1") == MARKS
    buckets.create("mlp-prod-ws-1", {})
    assert buckets.tags("mlp-prod-ws-1") == MARKS, "making it again changes nothing"
    buckets.mark("mlp-prod-ws-1", {"mlp:installation": "prod"})
    assert buckets.tags("mlp-prod-ws-1") == {"mlp:installation": "prod"}


def test_a_bucket_of_old_versions_is_not_empty_and_goes_with_them(server: StorageServer, buckets: Buckets) -> None:
    name, s3 = "mlp-prod-ws-2", server.root
    buckets.create(name, MARKS)
    assert buckets.empty(name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    for body in (b"1", b"2"):
        s3.put_object(Bucket=name, Key="a/b", Body=body)
    s3.delete_object(Bucket=name, Key="a/b")
    s3.create_multipart_upload(Bucket=name, Key="unfinished")
    assert not buckets.empty(name), "deleted objects can be had back"
    for _ in range(2):
        buckets.remove(name, seconds=30)
    assert buckets.tags(name) is None
