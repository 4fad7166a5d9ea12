"""How requests are judged."""

from __future__ import annotations

from typing import Any

import pytest

from components.names import Role
from controlplane.quotas.model import Quota
from controlplane.requests.model import (
    Approvers,
    Want,
    WantException,
    WantMember,
    WantQuota,
    WantWorkspace,
)
from controlplane.requests.rules import Situation, describe, judge, summary
from controlplane.tenants.model import Rules
from controlplane.workspaces.model import WorkspaceCreate

SMALL = Quota(cpu="1", memory="1Gi", storage="1Gi", pods=10)  # type: ignore[arg-type]
LARGE = Quota(cpu="9", memory="1Gi", storage="1Gi", pods=10, gpus={"nvidia.com/gpu": 1})  # type: ignore[arg-type]
ROOMY = Rules(auto_approve_quota=SMALL, auto_approve_workspaces=2)


def workspace(quota: Quota = SMALL) -> Want:
    return WantWorkspace(workspace=WorkspaceCreate(name="lab", quota=quota))


def situation(**changes: Any) -> Situation:
    values: dict[str, Any] = {"rules": ROOMY, "role": Role.MEMBER, "platform_admin": False, "owned": 0, "over": ()}
    return Situation(**{**values, **changes})


@pytest.mark.parametrize(
    ("want", "now", "outcome", "rule"),
    [
        (workspace(), situation(), "approved", "auto-approve"),
        (workspace(LARGE), situation(), "needs-approval", "size"),
        (workspace(), situation(owned=2), "needs-approval", "number"),
        (workspace(), situation(over=("cpu",)), "needs-approval", "no-room"),
        (workspace(), situation(rules=Rules()), "needs-approval", "always"),
        (workspace(), situation(rules=Rules(self_service=False)), "refused", "self-service-off"),
        (workspace(LARGE), situation(role=Role.ADMIN), "approved", "own-right"),
        (workspace(LARGE), situation(role=None, platform_admin=True), "approved", "own-right"),
        (WantQuota(kind="quota", workspace="lab", quota=SMALL), situation(), "needs-approval", "always"),
        (WantQuota(kind="quota", quota=SMALL), situation(role=Role.ADMIN), "needs-approval", "always"),
        (WantException(kind="exception", workspace="lab", exception="internet"), situation(role=Role.ADMIN),
         "needs-approval", "always"),
        (WantMember(kind="member", subject="bo", role=Role.ADMIN), situation(), "needs-approval", "always"),
    ],
)  # fmt: skip
def test_judgements(want: Want, now: Situation, outcome: str, rule: str) -> None:
    found = judge(want, now)
    assert (found.outcome, found.rule) == (outcome, rule)
    assert all(sentence.endswith(".") for sentence in found.why)
    platform = isinstance(want, WantException) or (isinstance(want, WantQuota) and want.workspace is None)
    assert found.approvers is (Approvers.PLATFORM_ADMINS if platform else Approvers.TENANT_ADMINS)


def test_summaries_are_in_plain_words() -> None:
    assert describe(LARGE) == "9 cores, 1Gi memory, 1Gi storage, 1 nvidia.com/gpu"
    assert summary(workspace()) == "workspace lab: 1 cores, 1Gi memory, 1Gi storage"
    more = WantWorkspace(workspace=WorkspaceCreate(name="lab", quota=SMALL, features=("notes", "draw", "notes")))
    assert summary(more) == "workspace lab: 1 cores, 1Gi memory, 1Gi storage, with draw, notes"
    assert summary(WantMember(kind="member", subject="bo", role=Role.VIEWER)) == "account bo as viewer"
    assert summary(WantQuota(kind="quota", quota=SMALL)).startswith("quota of the tenant: 1 cores")
