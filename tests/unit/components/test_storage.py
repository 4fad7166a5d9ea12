"""Signing of the storage's init program, and the bucket policy."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials

from components.storage.policy import bucket_policy
from components.storage.setup import Credentials, signed_headers


@pytest.mark.parametrize(
    ("path", "query", "body"),
    [("/create-user", "", b"<Account/>"), ("/b/create", "", b""), ("/x", "bucket=a-b&owner=a%2Fb%20c", b"")],
)
def test_signature_is_the_one_of_botocore(path: str, query: str, body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime(2026, 11, 23, 12, 30, 45, tzinfo=UTC)
    host = "127.0.0.1:19001"
    ours = signed_headers(
        Credentials("root", "s3cret/key+", "us-east-1"), host=host, path=path, query=query, body=body, now=now
    )
    url = f"http://{host}{path}" + (f"?{query}" if query else "")
    request = AWSRequest("PATCH", url, data=body)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda *_, **__: now)
    S3SigV4Auth(BotoCredentials("root", "s3cret/key+"), "s3", "us-east-1").add_auth(request)
    assert ours["Authorization"] == request.headers["Authorization"]
    assert ours["X-Amz-Date"] == "20261123T123045Z"


def test_secret_key_does_not_print() -> None:
    assert "s3cret" not in repr(Credentials("root", "s3cret", "r"))


def test_policy_lets_one_user_use_objects_and_not_change_the_bucket() -> None:
    policy = bucket_policy("ws-a--dev", "ws-a")
    actions = {action for statement in policy["Statement"] for action in statement["Action"]}
    assert all(statement["Principal"] == {"AWS": ["ws-a"]} for statement in policy["Statement"])
    assert not [action for action in actions if "Policy" in action or "Acl" in action or action == "s3:DeleteBucket"]
    assert not [action for action in actions if "*" in action]
    assert {statement["Resource"] for statement in policy["Statement"]} == {
        "arn:aws:s3:::ws-a--dev",
        "arn:aws:s3:::ws-a--dev/*",
    }
