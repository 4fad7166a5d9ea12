"""Logins that container tools keep."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from infra.supply.errors import PushFailed
from infra.supply.logins import kept_login
from infra.supply.push import Target, _parameters


def keep(folder: Path, monkeypatch: pytest.MonkeyPatch, document: object) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    (folder / "config.json").write_text(document if isinstance(document, str) else json.dumps(document))


def test_a_login_is_found_by_its_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    auth = base64.b64encode(b"ada:with:colons").decode()
    keep(tmp_path, monkeypatch, {"auths": {"registry.example.com": {"auth": auth}}})
    found = kept_login("registry.example.com")
    assert found is not None
    assert (found.user, found.password) == ("ada", "with:colons")
    assert "with:colons" not in repr(found)
    assert kept_login("other.example.com") is None


def test_no_file_means_no_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert kept_login("registry.example.com") is None


@pytest.mark.parametrize(
    ("document", "words"),
    [("{", "can't be read"), ({"credsStore": "desktop"}, "kept by a helper"), ({"auths": []}, "can't be read")],
)
def test_what_cannot_be_read_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, document: object, words: str
) -> None:
    keep(tmp_path, monkeypatch, document)
    with pytest.raises(PushFailed, match=words):
        kept_login("registry.example.com")


def test_references_and_challenges_are_taken_apart() -> None:
    assert Target.of("host:5000/a/b:1-ff") == Target("host:5000", "a/b", "1-ff")
    challenge = 'realm="https://auth.example.com/token",service="registry",scope="repository:a/b:pull,push"'
    assert dict(_parameters(challenge)) == {
        "realm": "https://auth.example.com/token",
        "service": "registry",
        "scope": "repository:a/b:pull,push",
    }
