from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.console import notices, security
from controlplane.console.notices import Notice


@pytest.mark.parametrize("target", ["/", "/tenants?search=a%2F#x", "/mlflow/", "/a//b"])
def test_paths_of_this_site_are_followed(target: str) -> None:
    assert security.local_path(target, "/home") == target


@pytest.mark.parametrize(
    "target",
    [
        None, "", "tenants", "//evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example",
        "javascript:alert(1)", "/\n/evil.example", "/\t//evil.example", " /x", "///evil.example", "/a\x7fb",
    ],
)  # fmt: skip
def test_every_other_target_is_refused(target: str | None) -> None:
    assert security.local_path(target, "/home") == "/home"


@given(st.text())
def test_what_is_followed_stays_on_this_site(target: str) -> None:
    followed = security.local_path(target, "/home")
    assert followed.startswith("/")
    assert not followed.startswith("//")
    assert "\\" not in followed


def test_scripts_run_by_nonce_only() -> None:
    policy = security.content_security_policy("n0nce")
    assert "script-src 'nonce-n0nce';" in policy
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self'" in policy


NOTICE = Notice("success", "It is <done>.", "/x", "Look")


def test_a_notice_comes_back_within_its_session() -> None:
    assert notices.unpack(notices.pack(NOTICE, "secret"), "secret") == NOTICE


def test_nobody_else_can_put_words_on_a_page() -> None:
    packed = notices.pack(NOTICE, "secret")
    body, mac = packed.split(".")
    assert notices.unpack(packed, "another secret") is None
    assert notices.unpack(f"{body}x.{mac}", "secret") is None
    assert notices.unpack(f"{body}.", "secret") is None
    assert notices.unpack("", "secret") is None
    assert notices.unpack("a.b.c", "secret") is None
    assert notices.unpack(None, "secret") is None
