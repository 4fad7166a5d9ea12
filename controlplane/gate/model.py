"""What the gateway is told about a caller. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from components.names import Role, tenant_group, user_name
from controlplane.auth.model import Principal, Scope

GROUP_SEPARATOR = "|"
"""What MLflow's subject_access_review mode splits X-Remote-Groups by."""
PLATFORM_ADMIN_GROUP = "platform:admin"
SERVICE_ACCOUNT = re.compile(r"system:serviceaccount:([a-z0-9][-a-z0-9]{0,62}):([a-z0-9][-a-z0-9.]{0,252})")
WORKSPACE_PREFIX = "ws-"
SERVICE_HEADER = "X-Upstream"
"""Which service answers the call, as `service.namespace`."""


@dataclass(frozen=True)
class Identity:
    """User and groups as Kubernetes RBAC knows them."""

    user: str
    groups: tuple[str, ...]

    def headers(self) -> dict[str, str]:
        return {"X-Remote-User": self.user, "X-Remote-Groups": GROUP_SEPARATOR.join(self.groups)}


@dataclass(frozen=True)
class Refusal:
    """401 where it is unknown who calls, 403 where it is known and refused, 503 where the call can be made again soon.
    `reason` is a constant."""

    status: int
    reason: str


def of_person(principal: Principal, active: Mapping[UUID, str]) -> Identity | Refusal:
    """`active`: slugs of the caller's tenants that are not suspended; roles elsewhere give no group."""
    if Scope.TRACKING not in principal.scopes:
        return Refusal(403, "token-scope")
    if principal.roles and not any(t in active for t in principal.roles) and not principal.platform_admin:
        return Refusal(403, "tenant-suspended")
    return identity_of(principal, active)


def identity_of(principal: Principal, active: Mapping[UUID, str]) -> Identity:
    """The person as RBAC knows them, whatever their token is for."""
    roles: list[tuple[str, Role]] = sorted((active[t], r) for t, r in principal.roles.items() if t in active)
    groups = [tenant_group(slug, role) for slug, role in roles]
    if principal.platform_admin and principal.tenant_only is None:
        groups.append(PLATFORM_ADMIN_GROUP)
    return Identity(user_name(principal.name), tuple(groups))


def namespace_of(user: str) -> str | None:
    """The namespace of a service account's user name; None for anything else."""
    match = SERVICE_ACCOUNT.fullmatch(user)
    return match[1] if match else None


def of_service_account(user: str, groups: Iterable[str]) -> Identity:
    """Only the groups that Kubernetes gives service accounts; others a token review may name are left out."""
    namespace = namespace_of(user)
    known = {"system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"}
    return Identity(user, tuple(sorted(known.intersection(groups))))
