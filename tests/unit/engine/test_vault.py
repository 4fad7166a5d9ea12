"""Secrets at rest."""

from __future__ import annotations

import pytest

from infra.engine.vault import Vault, VaultError

STATE = "v1:PwOQWSG+iM8=:v1:N8yfFG3rx8sKewRd:knaYy72FMzR7KMq1WeO0SrVM+oggCQ=="
"""Made by the Pulumi CLI with the passphrase `open sesame`."""
SEALED = "v1:q/9kUPxAKwP+q5be:oRSpIP+rHbS11qlEE4ShzIqosY4="
"""`hush`, sealed by the CLI in the same stack."""


def test_what_is_sealed_opens_again_and_never_looks_alike() -> None:
    vault = Vault.create("correct horse")
    first, second = vault.seal("hush"), vault.seal("hush")
    assert first != second
    assert "hush" not in first
    assert Vault.load(vault.state, "correct horse").open(first) == "hush"


def test_another_passphrase_is_refused_before_anything_is_opened() -> None:
    vault = Vault.create("correct horse")
    with pytest.raises(VaultError, match="does not open"):
        Vault.load(vault.state, "battery staple")


def test_a_changed_value_is_refused() -> None:
    vault = Vault.create("correct horse")
    sealed = vault.seal("hush")
    with pytest.raises(VaultError):
        vault.open(sealed[:-5] + ("AAAA=" if not sealed.endswith("AAAA=") else "BBBB="))


@pytest.mark.parametrize("state", ["", "v2:a:v1:b:c", "v1:", "plain"])
def test_a_malformed_salt_is_refused(state: str) -> None:
    with pytest.raises(VaultError):
        Vault.load(state, "x")


def test_a_vault_of_the_cli_opens() -> None:
    vault = Vault.load(STATE, "open sesame")
    assert vault.open(SEALED) == "hush"
