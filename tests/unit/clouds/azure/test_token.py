"""Tokens for kubectl and every other client of an AKS cluster."""

from __future__ import annotations

import json
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError

from infra.clouds.azure.token import SERVER, document, main

TENANT = "11111111-1111-1111-1111-111111111111"


class Credential:
    def __init__(self) -> None:
        self.asked: list[tuple[tuple[str, ...], dict[str, Any]]] = []

    def get_token(self, *scopes: str, **given: Any) -> AccessToken:
        self.asked.append((scopes, given))
        return AccessToken("the-token", 1_800_000_000)


class NobodySignedIn:
    def get_token(self, *_: str, **__: Any) -> AccessToken:
        raise ClientAuthenticationError(message="Please run 'az login' to setup account.\nAttempted credentials: many")


def test_the_document_is_what_clients_of_kubernetes_read() -> None:
    assert document("t", 1_800_000_000) == {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": "t", "expirationTimestamp": "2027-01-15T08:00:00Z"},
    }


def test_the_token_is_for_aks_and_of_the_clusters_tenant(capsys: pytest.CaptureFixture[str]) -> None:
    credential = Credential()
    assert main(["--tenant", TENANT], credential) == 0
    assert credential.asked == [((f"{SERVER}/.default",), {"tenant_id": TENANT})]
    said = capsys.readouterr()
    assert json.loads(said.out)["status"]["token"] == "the-token"
    assert said.err == ""


def test_without_credentials_the_command_is_named_and_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--tenant", TENANT], NobodySignedIn()) == 1
    said = capsys.readouterr()
    assert said.out == ""
    reason = "Please run 'az login' to setup account."
    assert said.err == f"no token for AKS in tenant {TENANT}: {reason} Run: az login --tenant {TENANT}\n"
