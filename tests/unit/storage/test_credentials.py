"""Derived credentials."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controlplane.storage.credentials import bucket_name, credentials, sealed
from tests.unit.reconcile.samples import SPEC

KEY = b"k" * 32


def test_the_same_workspace_always_gets_the_same() -> None:
    assert credentials(KEY, SPEC) == credentials(KEY, replace(SPEC, generation=9, suspended=True))
    assert credentials(KEY, SPEC).access == bucket_name(SPEC) == SPEC.namespace


@pytest.mark.parametrize("other", [{"uid": "other"}, {"rotation": 1}, {"uid": "6f1c\x000", "rotation": 0}])
def test_another_uid_or_rotation_gets_another(other: dict) -> None:
    assert credentials(KEY, SPEC).secret != credentials(KEY, replace(SPEC, **other)).secret


def test_key_and_purpose_matter() -> None:
    secrets = {credentials(KEY, SPEC).secret, sealed(KEY, SPEC).secret, credentials(b"x" * 32, SPEC).secret}
    assert len(secrets) == 3
    assert all(len(secret) == 43 for secret in secrets)


def test_secrets_are_not_shown() -> None:
    assert credentials(KEY, SPEC).secret not in repr(credentials(KEY, SPEC))


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 32 bytes"):
        credentials(b"short", SPEC)
