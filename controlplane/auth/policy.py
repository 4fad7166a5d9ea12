"""Who may do what: the one place where that is decided. Pure: (principal, action, resource) → decision.

HIDE answers as if the object did not exist; REFUSE tells someone who may see it that they may not do this.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum
from uuid import UUID

from components.names import Role
from controlplane.auth.model import Principal, Scope, Via
from controlplane.tenants.model import TenantState


class Decision(Enum):
    ALLOW = "allow"
    HIDE = "hide"
    REFUSE = "refuse"


class Action(StrEnum):
    TENANT_READ = "tenant.read"
    TENANT_CREATE = "tenant.create"
    TENANT_UPDATE = "tenant.update"
    TENANT_LIMITS = "tenant.limits"
    """Quota and rules."""
    TENANT_SUSPEND = "tenant.suspend"
    TENANT_DELETE = "tenant.delete"
    WORKSPACE_READ = "workspace.read"
    WORKSPACE_CREATE = "workspace.create"
    WORKSPACE_UPDATE = "workspace.update"
    WORKSPACE_INTERNET = "workspace.internet"
    WORKSPACE_DELETE = "workspace.delete"
    MEMBER_READ = "member.read"
    MEMBER_WRITE = "member.write"
    REQUEST_READ = "request.read"
    REQUEST_CREATE = "request.create"
    REQUEST_DECIDE = "request.decide"
    REQUEST_DECIDE_PLATFORM = "request.decide-platform"
    REQUEST_WITHDRAW = "request.withdraw"
    OPERATION_READ = "operation.read"
    OPERATION_RETRY = "operation.retry"
    CONTENT_CHANGE = "content.change"
    """Stop, resume and delete what runs in a workspace; RBAC is asked as well."""
    PROMOTION_CREATE = "promotion.create"
    PROMOTION_DECIDE = "promotion.decide"
    PROMOTION_DECIDE_ADMIN = "promotion.decide-admin"
    PROMOTION_RULES = "promotion.rules"
    AUDIT_READ = "audit.read"
    ACCOUNT_MANAGE = "account.manage"
    TOKEN_MANAGE = "token.manage"  # noqa: S105
    SELF_READ = "self.read"
    SELF_WRITE = "self.write"


READS = frozenset(
    {
        Action.TENANT_READ, Action.WORKSPACE_READ, Action.MEMBER_READ, Action.REQUEST_READ, Action.OPERATION_READ,
        Action.AUDIT_READ, Action.SELF_READ,
    }
)  # fmt: skip

_NEEDS: dict[Action, Role] = {
    Action.TENANT_READ: Role.VIEWER,
    Action.TENANT_UPDATE: Role.ADMIN,
    Action.WORKSPACE_READ: Role.VIEWER,
    Action.WORKSPACE_CREATE: Role.ADMIN,
    Action.WORKSPACE_UPDATE: Role.ADMIN,
    Action.WORKSPACE_DELETE: Role.ADMIN,
    Action.MEMBER_READ: Role.VIEWER,
    Action.MEMBER_WRITE: Role.ADMIN,
    Action.REQUEST_READ: Role.ADMIN,
    Action.REQUEST_CREATE: Role.MEMBER,
    Action.REQUEST_DECIDE: Role.ADMIN,
    Action.OPERATION_READ: Role.VIEWER,
    Action.OPERATION_RETRY: Role.ADMIN,
    Action.CONTENT_CHANGE: Role.MEMBER,
    Action.PROMOTION_CREATE: Role.MEMBER,
    Action.PROMOTION_DECIDE: Role.MEMBER,
    Action.PROMOTION_DECIDE_ADMIN: Role.ADMIN,
    Action.PROMOTION_RULES: Role.ADMIN,
    Action.AUDIT_READ: Role.ADMIN,
}
"""The weakest role in the tenant that may; actions missing here and in `_OWN` are for platform admins only."""

_OWN = frozenset({Action.REQUEST_READ, Action.REQUEST_WITHDRAW, Action.TOKEN_MANAGE})
"""What everybody may do with what is theirs (`Resource.owner`)."""

_ANYBODY = frozenset({Action.SELF_READ, Action.SELF_WRITE})
_RANK = {Role.VIEWER: 0, Role.MEMBER: 1, Role.ADMIN: 2}


@dataclass(frozen=True)
class Resource:
    """What an action is aimed at. `tenant` None: the platform itself."""

    tenant: UUID | None = None
    tenant_state: str = TenantState.ACTIVE
    owner: UUID | None = None


PLATFORM = Resource()


def decide(principal: Principal | None, action: Action, resource: Resource) -> Decision:  # noqa: PLR0911
    """Fails closed: an action nobody listed is a platform admin's."""
    if principal is None:
        return Decision.HIDE
    if principal.via is Via.SYSTEM:
        return Decision.ALLOW
    if principal.tenant_only is not None and resource.tenant != principal.tenant_only and action not in _ANYBODY:
        return Decision.HIDE
    if principal.scopes.isdisjoint({Scope.READ, Scope.WRITE}):
        return Decision.REFUSE
    if action not in READS and Scope.WRITE not in principal.scopes:
        return Decision.REFUSE if _may(principal, Action.TENANT_READ, resource) else Decision.HIDE
    if not _may(principal, action, resource):
        seen = resource.tenant is not None and _may(principal, Action.TENANT_READ, resource)
        return Decision.REFUSE if seen and action is not Action.REQUEST_READ else Decision.HIDE
    frozen = resource.tenant_state != TenantState.ACTIVE and resource.tenant is not None
    if frozen and action not in READS and not principal.platform_admin and action not in _OWN:
        return Decision.REFUSE
    return Decision.ALLOW


def _may(principal: Principal, action: Action, resource: Resource) -> bool:
    if action in _ANYBODY:
        return True
    if action in _OWN and resource.owner is not None and resource.owner == principal.account_id:
        return True
    if principal.platform_admin:
        return action not in (Action.REQUEST_WITHDRAW, Action.TOKEN_MANAGE)
    role = None if resource.tenant is None else principal.roles.get(resource.tenant)
    needed = _NEEDS.get(action)
    return role is not None and needed is not None and _RANK[role] >= _RANK[needed]


def who_may(action: Action) -> str:
    """For people: who could do this instead."""
    needed = _NEEDS.get(action)
    if needed is None:
        return "a platform admin"
    return {Role.ADMIN: "an admin of the tenant", Role.MEMBER: "a member of the tenant"}.get(needed, "a viewer")
