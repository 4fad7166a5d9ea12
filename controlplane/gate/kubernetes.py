"""The rule for calls to the Kubernetes API: whose they are there, by path. Pure.

RBAC decides what a person may do. Here it is only said in which groups they call: in that of the tenant whose namespace
the path names, or in all of theirs where it names none. Whatever a path was taken for, these are the caller's own.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import unquote
from uuid import UUID

from components.gateway.names import (
    KUBERNETES_ACCOUNT,
    KUBERNETES_AUTHORIZATION,
    KUBERNETES_GROUP,
    KUBERNETES_GROUPS,
    KUBERNETES_PATH,
)
from components.names import tenant_group, user_name
from controlplane.auth.model import Principal, Scope
from controlplane.gate.model import Refusal

_SEGMENT = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%(?:2[0-46-9A-D]|[346][0-9A-F]|5[0-9ABD-F]|7[0-9A-E]))+", re.I)
"""A part of a path as clients write it: no slash, backslash, percent sign, dot or control character is escaped."""


@dataclass(frozen=True)
class Impersonation:
    """Whom the API server is told the call comes from."""

    account: str
    groups: tuple[str, ...]

    def headers(self, token: str) -> dict[str, str]:
        """`token` authenticates who speaks for the person; it must not reach anybody but the gateway."""
        groups = {f"{KUBERNETES_GROUP}-{number}": group for number, group in enumerate(self.groups, 1)}
        return {
            "X-Remote-User": user_name(self.account),
            KUBERNETES_AUTHORIZATION: f"Bearer {token}",
            KUBERNETES_ACCOUNT: self.account,
            **groups,
        }


def concerns(uri: str) -> bool:
    """Whether a call (path and query as sent) goes to the Kubernetes API."""
    return uri.startswith(f"{KUBERNETES_PATH}/")


def parts(uri: str) -> tuple[str, ...] | None:
    """The path's parts below /kubernetes. None: it is not written plainly, so that two readers could differ on it."""
    sent = uri.partition("?")[0].removeprefix(f"{KUBERNETES_PATH}/").split("/")
    if sent[-1] == "":
        sent = sent[:-1]
    if not all(_SEGMENT.fullmatch(part) and part not in (".", "..") for part in sent):
        return None
    return tuple(unquote(part) for part in sent)


def namespace_in(path: Collection[str]) -> str | None:
    """The namespace that a path names, as in /api/v1/namespaces/x/pods; None for one of the whole cluster."""
    match tuple(path):
        case ("api", _, "watch", "namespaces", name, *_) | ("api", _, "namespaces", name, *_):
            return name
        case ("apis", _, _, "watch", "namespaces", name, *_) | ("apis", _, _, "namespaces", name, *_):
            return name
    return None


def of_person(
    principal: Principal, active: Mapping[UUID, str], tenant: UUID | None, *, namespaced: bool
) -> Impersonation | Refusal:
    """`active`: slugs of the caller's tenants that are not suspended. `namespaced`: the path names a namespace, that of
    a workspace of `tenant`; `tenant` None: of none of ours."""
    if Scope.KUBERNETES not in principal.scopes:
        return Refusal(403, "token-scope")
    if not principal.roles:
        return Refusal(403, "no-tenant")
    mine = {id_: tenant_group(slug, principal.roles[id_]) for id_, slug in active.items() if id_ in principal.roles}
    if not mine:
        return Refusal(403, "tenant-suspended")
    groups = sorted(group for id_, group in mine.items() if not namespaced or id_ == tenant)
    if len(groups) > KUBERNETES_GROUPS:
        return Refusal(403, "too-many-tenants")
    return Impersonation(principal.name, tuple(groups))
