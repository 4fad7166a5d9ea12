"""Who calls, by the gateway's word. Pure."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from components.notebooks.naming import account_of

SECRET_HEADER = "X-Mlp-Gateway-Secret"  # noqa: S105 - a name
USER_HEADER = "X-Remote-User"
GROUPS_HEADER = "X-Remote-Groups"
_SEPARATOR = "|"


class Headers(Protocol):
    """Request headers, of which one may stand there several times."""

    def get_list(self, name: str) -> Sequence[str]: ...


@dataclass(frozen=True)
class Caller:
    """A person, as Kubernetes RBAC knows them."""

    account: str
    user: str
    groups: tuple[str, ...]


def from_gateway(headers: Headers, secret: str) -> bool:
    """Whether the request bears the gateway's secret, once. Compared in constant time."""
    given = headers.get_list(SECRET_HEADER)
    return len(given) == 1 and hmac.compare_digest(given[0].encode(), secret.encode())


def caller_of(headers: Headers, secret: str) -> Caller | None:
    """The person that the gateway names; None for anybody else's word, a header that stands there twice, and pods."""
    users, groups = headers.get_list(USER_HEADER), headers.get_list(GROUPS_HEADER)
    if not from_gateway(headers, secret) or len(users) != 1 or len(groups) > 1:
        return None
    return person(users[0], groups[0] if groups else "")


def person(user: str, groups: str) -> Caller | None:
    """A caller from user and joined groups; None where the user is no person."""
    account = account_of(user)
    if account is None:
        return None
    return Caller(account, user, tuple(group for group in groups.split(_SEPARATOR) if group))
