"""Every action for every kind of caller, and the few rules around them."""

from __future__ import annotations

from uuid import UUID

import pytest

from components.names import Role
from controlplane.auth.model import Principal, Scope, Via
from controlplane.auth.policy import PLATFORM, READS, Action, Decision, Resource, decide
from controlplane.tenants.model import TenantState

ACME, EVIL = UUID(int=1), UUID(int=2)
ME, OTHER = UUID(int=11), UUID(int=12)
HERE = Resource(tenant=ACME)
_TENANT_ACTIONS = frozenset(Action) - {
    Action.TENANT_CREATE, Action.ACCOUNT_MANAGE, Action.SELF_READ, Action.SELF_WRITE, Action.TOKEN_MANAGE,
    Action.REQUEST_WITHDRAW,
}  # fmt: skip
_VIEWER = {Action.TENANT_READ, Action.WORKSPACE_READ, Action.MEMBER_READ, Action.OPERATION_READ}
_MEMBER = _VIEWER | {
    Action.REQUEST_CREATE, Action.CONTENT_CHANGE, Action.PROMOTION_CREATE, Action.PROMOTION_DECIDE,
}  # fmt: skip
_ADMIN = _MEMBER | {
    Action.TENANT_UPDATE, Action.WORKSPACE_CREATE, Action.WORKSPACE_UPDATE, Action.WORKSPACE_DELETE,
    Action.MEMBER_WRITE, Action.REQUEST_READ, Action.REQUEST_DECIDE, Action.OPERATION_RETRY, Action.AUDIT_READ,
    Action.PROMOTION_DECIDE_ADMIN, Action.PROMOTION_RULES,
}  # fmt: skip


def person(role: Role | None = None, *, admin: bool = False, **changes: object) -> Principal:
    roles = {ACME: role} if role else {}
    values = {"name": "p", "via": Via.SESSION, "account_id": ME, "platform_admin": admin, "roles": roles, **changes}
    return Principal(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(("role", "allowed"), [(Role.VIEWER, _VIEWER), (Role.MEMBER, _MEMBER), (Role.ADMIN, _ADMIN)])
def test_a_role_allows_exactly_this(role: Role, allowed: set[Action]) -> None:
    found = {a for a in _TENANT_ACTIONS if decide(person(role), a, HERE) is Decision.ALLOW}
    assert found == allowed


def test_a_platform_admin_may_everything_but_what_is_somebodys_own() -> None:
    root = person(admin=True)
    for action in Action:
        resource = PLATFORM if action in (Action.TENANT_CREATE, Action.ACCOUNT_MANAGE) else HERE
        own = action in (Action.REQUEST_WITHDRAW, Action.TOKEN_MANAGE)
        assert (decide(root, action, resource) is Decision.ALLOW) is not own, action


@pytest.mark.parametrize("role", [None, *Role])
@pytest.mark.parametrize("action", sorted(_TENANT_ACTIONS))
def test_another_tenant_is_hidden(role: Role | None, action: Action) -> None:
    assert decide(person(role), action, Resource(tenant=EVIL)) is Decision.HIDE


def test_nobody_sees_nothing() -> None:
    assert {decide(None, action, HERE) for action in Action} == {Decision.HIDE}
    assert decide(person(), Action.TENANT_CREATE, PLATFORM) is Decision.HIDE
    assert decide(person(Role.ADMIN), Action.AUDIT_READ, PLATFORM) is Decision.HIDE


def test_what_is_ones_own_may_be_seen_and_taken_back() -> None:
    mine, others = (Resource(tenant=ACME, owner=owner) for owner in (ME, OTHER))
    for action in (Action.REQUEST_READ, Action.REQUEST_WITHDRAW, Action.TOKEN_MANAGE):
        assert decide(person(Role.MEMBER), action, mine) is Decision.ALLOW
        assert decide(person(Role.MEMBER), action, others) is not Decision.ALLOW


@pytest.mark.parametrize("state", [TenantState.SUSPENDED, TenantState.DELETING])
def test_a_frozen_tenant_is_read_only_for_its_people(state: TenantState) -> None:
    frozen = Resource(tenant=ACME, tenant_state=state)
    for action in _ADMIN:
        expected = Decision.ALLOW if action in READS else Decision.REFUSE
        assert decide(person(Role.ADMIN), action, frozen) is expected, action
    assert decide(person(admin=True), Action.TENANT_SUSPEND, frozen) is Decision.ALLOW


def test_a_token_is_held_to_its_scopes_and_tenant() -> None:
    reader = person(Role.ADMIN, scopes=frozenset({Scope.READ}))
    assert decide(reader, Action.WORKSPACE_READ, HERE) is Decision.ALLOW
    assert decide(reader, Action.WORKSPACE_CREATE, HERE) is Decision.REFUSE
    tracker = person(Role.ADMIN, scopes=frozenset({Scope.TRACKING}))
    assert decide(tracker, Action.WORKSPACE_READ, HERE) is not Decision.ALLOW
    narrow = person(admin=True, tenant_only=ACME)
    assert decide(narrow, Action.WORKSPACE_CREATE, HERE) is Decision.ALLOW
    assert decide(narrow, Action.WORKSPACE_READ, Resource(tenant=EVIL)) is Decision.HIDE
    assert decide(narrow, Action.TENANT_CREATE, PLATFORM) is Decision.HIDE


def test_the_platforms_own_parts_may_act() -> None:
    watcher = Principal(name="watcher", via=Via.SYSTEM)
    assert {decide(watcher, action, HERE) for action in Action} == {Decision.ALLOW}
