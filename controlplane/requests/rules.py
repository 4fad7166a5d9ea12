"""How a request is judged before anybody looks at it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from components.names import Role
from components.quantities import format_bytes, format_cpu
from controlplane.quotas.model import Quota
from controlplane.requests.model import Approvers, Want, WantException, WantMember, WantQuota, WantWorkspace
from controlplane.tenants.model import Rules


@dataclass(frozen=True)
class Situation:
    """What the judgement depends on, beside what is wanted."""

    rules: Rules
    role: Role | None
    platform_admin: bool
    owned: int
    """Workspaces of the tenant that the person has asked for already."""
    over: tuple[str, ...]
    """Resources in which the tenant's quota has no room for it."""


@dataclass(frozen=True)
class Judgement:
    outcome: Literal["approved", "needs-approval", "refused"]
    approvers: Approvers
    rule: str
    why: tuple[str, ...]


def approvers_of(want: Want) -> Approvers:
    """Who has the right to do directly what is asked for."""
    if isinstance(want, WantException) or (isinstance(want, WantQuota) and want.workspace is None):
        return Approvers.PLATFORM_ADMINS
    return Approvers.TENANT_ADMINS


def judge(want: Want, situation: Situation) -> Judgement:
    approvers = approvers_of(want)
    may_decide = situation.platform_admin or (
        approvers is Approvers.TENANT_ADMINS and situation.role is Role.ADMIN
    )  # fmt: skip
    whom = "a platform admin" if approvers is Approvers.PLATFORM_ADMINS else "an admin of the tenant"
    if situation.over:
        return Judgement(
            "needs-approval", approvers, "no-room",
            (f"The tenant's quota has no room: {', '.join(situation.over)}.",
             f"It waits until there is room and {whom} approves it."),
        )  # fmt: skip
    if may_decide:
        return Judgement("approved", approvers, "own-right", ("You may do this yourself; it is done at once.",))
    if not situation.rules.self_service:
        return Judgement(
            "refused", approvers, "self-service-off", ("Only the tenant's admins create and change things here.",)
        )
    if isinstance(want, WantWorkspace):
        return _judge_workspace(want.workspace.quota, situation, approvers)
    return Judgement("needs-approval", approvers, "always", (f"This is always decided by {whom}.",))


def _judge_workspace(quota: Quota, situation: Situation, approvers: Approvers) -> Judgement:
    limit = situation.rules.auto_approve_quota
    if limit is None:
        return Judgement(
            "needs-approval", approvers, "always", ("Every workspace here is decided by an admin of the tenant.",)
        )
    too_big = quota.exceeds(limit)
    if too_big:
        return Judgement(
            "needs-approval", approvers, "size",
            (f"It is larger than what is granted at once ({describe(limit)}): {', '.join(too_big)}.",),
        )  # fmt: skip
    if situation.owned >= situation.rules.auto_approve_workspaces:
        return Judgement(
            "needs-approval", approvers, "number",
            (f"You have {situation.owned} workspaces; {situation.rules.auto_approve_workspaces} are granted at once.",),
        )  # fmt: skip
    return Judgement("approved", approvers, "auto-approve", ("It fits what the tenant grants at once.",))


def describe(quota: Quota) -> str:
    """Such as `2 cores, 4Gi memory, 10Gi storage, 1 nvidia.com/gpu`."""
    parts = [
        f"{format_cpu(quota.cpu)} cores",
        f"{format_bytes(quota.memory)} memory",
        f"{format_bytes(quota.storage)} storage",
    ]
    parts += [f"{n} {name}" for name, n in sorted(quota.gpus.items()) if n]
    return ", ".join(parts)


def summary(want: Want) -> str:
    """One line for lists."""
    if isinstance(want, WantWorkspace):
        features = f", with {', '.join(sorted(set(want.workspace.features)))}" if want.workspace.features else ""
        return f"workspace {want.workspace.name}: {describe(want.workspace.quota)}{features}"
    if isinstance(want, WantQuota):
        what = f"quota of workspace {want.workspace}" if want.workspace else "quota of the tenant"
        return f"{what}: {describe(want.quota)}"
    if isinstance(want, WantMember):
        return f"{want.member} {want.subject} as {want.role}"
    return f"exception for workspace {want.workspace}: {want.exception}"
