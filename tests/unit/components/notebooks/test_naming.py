"""Names of servers: injective, valid, and never taken from a client's word alone."""

from __future__ import annotations

import itertools
import re

import pytest

from components.notebooks import naming

ACCOUNTS = (
    "a",
    "a-b",
    "a.b",
    "a_b",
    "alice",
    "alice-b",
    "9lives",
    "x" * 63,
    "x" * 62 + "y",
    "a--b",
    "a" + "." * 61 + "b",
)
SERVERS = ("acme--dev", "acme--dev2", "acm--edev", "a-b--c", "a--b-c", f"{'t' * 24}--{'w' * 24}")
LABEL = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")


def test_every_pair_has_a_name_of_its_own_that_kubernetes_and_dns_take() -> None:
    pairs = list(itertools.product(ACCOUNTS, SERVERS))
    for made in (naming.label, naming.home):
        names = [made(account, server) for account, server in pairs]
        assert len(set(names)) == len(pairs)
        assert all(LABEL.fullmatch(name) and len(name) <= 63 for name in names)


def test_names_stay_as_they_are() -> None:
    """Homes are found again by them."""
    assert naming.label("alice", "acme--research") == "nb-alice-3laqu2wxiffzoieq"
    assert naming.home("alice", "acme--research") == "home-alice-3laqu2wxiffzoieq"


@pytest.mark.parametrize(
    ("account", "server"),
    [
        ("", "acme--dev"),
        ("Alice", "acme--dev"),
        ("a/b", "acme--dev"),
        ("alice", "acme"),
        ("alice", "acme---dev"),
        ("alice", ""),
    ],
)
def test_what_is_no_account_or_no_server_has_no_name(account: str, server: str) -> None:
    with pytest.raises(ValueError, match="not an account and a server"):
        naming.label(account, server)


@pytest.mark.parametrize(
    ("user", "account"),
    [
        ("user:alice", "alice"),
        ("user:a.b_c-d", "a.b_c-d"),
        ("user:", None),
        ("alice", None),
        ("user:user:alice", None),
        ("user:Alice", None),
        ("user:alice ", None),
        ("user:alice\n", None),
        ("user:a/../b", None),
        ("system:serviceaccount:ws-acme--dev:workload", None),
    ],
)
def test_people_only_have_an_account(user: str, account: str | None) -> None:
    assert naming.account_of(user) == account


@pytest.mark.parametrize("server", SERVERS)
def test_a_server_says_its_workspace(server: str) -> None:
    place = naming.workspace_of(server)
    assert place is not None
    assert naming.server_name(*place) == server


@pytest.mark.parametrize("server", ["", "acme", "acme--", "--dev", "acme--dev--x", "Acme--dev", "acme--dev/", "a--b\n"])
def test_other_names_are_no_workspace(server: str) -> None:
    assert naming.workspace_of(server) is None
