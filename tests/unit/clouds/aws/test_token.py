"""Tokens for EKS."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest

from infra.clouds.aws import token as tokens


def opened(text: str) -> str:
    assert text.startswith("k8s-aws-v1.")
    body = text.removeprefix("k8s-aws-v1.")
    return base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)).decode()


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-central-1", "sts.eu-central-1.amazonaws.com"),
        ("us-east-1", "sts.us-east-1.amazonaws.com"),
        ("cn-north-1", "sts.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_a_token_is_a_signed_question_bound_to_the_cluster(region: str, host: str) -> None:
    url = urlsplit(opened(tokens.token(boto3.Session(), "mlp-blue", region)))
    asked = parse_qs(url.query)
    assert url.netloc == host
    assert asked["Action"] == ["GetCallerIdentity"]
    assert asked["X-Amz-SignedHeaders"] == ["host;x-k8s-aws-id"]
    assert asked["X-Amz-Expires"] == ["60"]
    assert asked["X-Amz-Credential"][0].endswith(f"/{region}/sts/aws4_request")
    assert "testing" not in asked["X-Amz-Signature"][0]


def test_another_cluster_has_another_signature() -> None:
    one, other = (
        parse_qs(urlsplit(opened(tokens.token(boto3.Session(), name, "eu-central-1"))).query)["X-Amz-Signature"]
        for name in ("blue", "green")
    )
    assert one != other


def test_kubectl_gets_what_it_reads(capsys: pytest.CaptureFixture[str]) -> None:
    assert tokens.main(["--cluster=blue", "--region=eu-central-1"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["kind"] == "ExecCredential"
    assert found["status"]["token"].startswith("k8s-aws-v1.")
    made = tokens.credential("t", datetime(2026, 1, 2, 3, 0, tzinfo=UTC))
    assert made["status"] == {"token": "t", "expirationTimestamp": "2026-01-02T03:14:00Z"}


def test_without_credentials_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert tokens.main(["--cluster=blue", "--region=eu-central-1"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "Sign in, or set AWS_PROFILE" in said.err
