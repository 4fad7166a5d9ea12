"""Places of state: what a URL says, and what a first use makes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.clouds.state.azblob import account_url
from infra.clouds.state.opening import place, state_folder
from infra.clouds.state.s3 import S3Folder
from infra.engine.folder import FileFolder, StateUnreachable
from infra.profile.load import load

URL = "s3://mlp-state/prod?region=eu-central-1"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield boto3.Session().client("s3", region_name="eu-central-1")


def test_a_url_taken_apart() -> None:
    found = place("s3://bucket/a/b/?region=eu-central-1&s3ForcePathStyle=true")
    assert (found.scheme, found.bucket, found.prefix) == ("s3", "bucket", "a/b")
    assert found.options == {"region": "eu-central-1", "s3ForcePathStyle": "true"}
    assert place("file:///srv/state").prefix == "/srv/state"


def test_a_profile_leads_to_its_place(tmp_path: Path) -> None:
    assert state_folder(load("local"), tmp_path).url == f"file://{tmp_path}/state?metadata=skip"
    shared = load("local", [f"state.backend=file://{tmp_path}/shared"])
    assert state_folder(shared, tmp_path).url == f"file://{tmp_path}/shared?metadata=skip"
    bucket = load("aws", ["state.backend=s3://mlp-state"])
    assert isinstance(state_folder(bucket, tmp_path), S3Folder)


def test_a_bucket_is_made_private_encrypted_and_versioned(aws: Any) -> None:
    folder = S3Folder(URL, place(URL))
    assert folder.names(".pulumi/") == ()
    assert folder.ensure()
    block = aws.get_public_access_block(Bucket="mlp-state")["PublicAccessBlockConfiguration"]
    assert set(block.values()) == {True}
    (rule,) = aws.get_bucket_encryption(Bucket="mlp-state")["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert aws.get_bucket_versioning(Bucket="mlp-state")["Status"] == "Enabled"
    assert aws.get_bucket_location(Bucket="mlp-state")["LocationConstraint"] == "eu-central-1"
    assert not folder.ensure()

    folder.write(".mlp/a", "text")
    assert folder.names(".mlp/") == (".mlp/a",)
    assert aws.get_object(Bucket="mlp-state", Key="prod/.mlp/a")["Body"].read() == b"text"


def test_a_bucket_without_versions_is_refused(aws: Any) -> None:
    aws.create_bucket(Bucket="mlp-state", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    with pytest.raises(StateUnreachable, match="keeps no old versions"):
        S3Folder(URL, place(URL)).ensure()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StateUnreachable, match="can't be made") as refused:
        FileFolder(tmp_path / "file" / "state").ensure()
    assert "state.backend" in refused.value.remedy


@pytest.mark.parametrize(
    ("options", "url"),
    [
        ({}, "https://mlpstate.blob.core.windows.net"),
        ({"domain": "blob.core.chinacloudapi.cn"}, "https://mlpstate.blob.core.chinacloudapi.cn"),
        ({"domain": "127.0.0.1:10000", "protocol": "http"}, "http://127.0.0.1:10000/mlpstate"),
        ({"domain": "storage.internal", "localemu": "true"}, "https://storage.internal/mlpstate"),
    ],
)
def test_an_azure_account_answers_where_the_cli_looks_for_it(options: dict[str, str], url: str) -> None:
    assert account_url("mlpstate", options) == url
