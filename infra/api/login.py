"""Signing in with account and password, to get a token for the command line."""

from __future__ import annotations

from infra.api.client import Access, Client

TOKEN_NAME = "command line"  # noqa: S105 - a label
_HOURS = 24 * 30


def new_token(access: Access, account: str, password: str) -> str:
    """A token of 30 days for the account. Raises NotSignedIn for a wrong pair, and the client's other errors."""
    with Client(access) as client:
        made = client.post("/login", {"account": account, "password": password, "name": TOKEN_NAME, "hours": _HOURS})
    token: str = made["secret"]
    return token
