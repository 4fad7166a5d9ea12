"""The database's init program: verifiers and statements."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from components.database.objects import DATABASES, ROLES, host_rules
from components.database.prepare import role_statements, scram_verifier


def test_verifier_is_the_one_of_rfc_7677() -> None:
    """The client's proof in RFC 7677's example (user `user`, password `pencil`) must verify against ours."""
    verifier = scram_verifier("pencil", base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="))
    kind, parameters, keys = verifier.split("$")
    stored, server = (base64.b64decode(part) for part in keys.split(":"))
    assert (kind, parameters) == ("SCRAM-SHA-256", "4096:W22ZaJ0SNY7soEsUEjb6gQ==")
    nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    message = (f"n=user,r=rOprNGfwEbeRWgbNEkqO,r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r={nonce}").encode()
    proof = base64.b64decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    client_key = bytes(a ^ b for a, b in zip(proof, hmac.digest(stored, message, "sha256"), strict=True))
    assert hashlib.sha256(client_key).digest() == stored
    assert base64.b64encode(hmac.digest(server, message, "sha256")) == b"6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def test_owner_gets_its_database_and_the_other_role_may_connect() -> None:
    owner = role_statements("tracking", "tracking", "SCRAM-SHA-256$x")
    assert "CREATE DATABASE tracking OWNER tracking" in owner
    assert "REVOKE ALL ON DATABASE tracking FROM PUBLIC;" in owner
    other = role_statements("controlplaneapp", "controlplane", "SCRAM-SHA-256$x")
    assert "CREATE DATABASE" not in other
    assert "GRANT CONNECT ON DATABASE controlplane TO controlplaneapp;" in other


@pytest.mark.parametrize("name", ["", "A", "a b", "a'b", 'a"', "a;b", "ä", "a1"])
def test_names_that_need_quoting_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        role_statements(name, "tracking", "v")
    with pytest.raises(ValueError, match="not a name"):
        role_statements("tracking", name, "v")


def test_rules_let_each_role_into_its_own_database_only() -> None:
    rows = [row.split() for row in host_rules().splitlines()]
    assert rows[0] == ["local", "all", "postgres", "peer"]
    assert rows[-1] == ["host", "all", "all", "all", "reject"]
    assert {(row[2], row[1]) for row in rows[1:-1]} == set(ROLES.items())
    assert all(row[-1] == "scram-sha-256" for row in rows[1:-1])


def test_owners_come_before_roles_that_connect() -> None:
    for database in DATABASES:
        assert database.roles[0] == database.name
