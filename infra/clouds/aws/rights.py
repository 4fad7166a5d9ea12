"""Whether who asks may do all that installing takes: IAM itself is asked, without doing any of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from infra.clouds.aws.session import Session
from infra.clusters.aws.rights import questions
from infra.clusters.aws.shape import Shape
from infra.preflight.model import Finding

_SHOWN = 12
_REMEDY = "Have the policies granted that this writes: platform rights --profile NAME --write FOLDER"


def check(plan: Shape, session: Session) -> Iterator[Finding]:
    """Which action is missing. Policies of the organization count where IAM knows of them."""
    principal = _principal(session)
    if principal is None:
        yield Finding(
            "rights",
            False,
            "You are the account's root user, whose rights nobody can bound.",
            "Use an IAM role with the policies that `platform rights` writes.",
            "warning",
        )
        return
    missing: list[str] = []
    asked = 0
    for question in questions(plan.scope, plan.domain):
        asked += len(question.actions)
        missing += _missing(session, principal, question.actions, question.resource, question.context)
    if not missing:
        yield Finding("rights", True, f"All {asked} actions are allowed")
        return
    names = sorted(set(missing))
    shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
    yield Finding("rights", False, f"You may not: {shown}", _REMEDY)


def _principal(session: Session) -> str | None:
    """The ARN that policies are attached to; None for root, who has them all."""
    arn = str(session.client("sts").get_caller_identity()["Arn"])
    kind, _, rest = arn.rpartition(":")[2].partition("/")
    if kind == "root":
        return None
    if kind != "assumed-role":
        return arn
    # The session's ARN leaves out the role's path.
    return str(session.client("iam").get_role(RoleName=rest.partition("/")[0])["Role"]["Arn"])


def _missing(
    session: Session, principal: str, actions: tuple[str, ...], resource: str, context: Mapping[str, tuple[str, ...]]
) -> list[str]:
    entries = [
        {"ContextKeyName": key, "ContextKeyValues": list(values), "ContextKeyType": kind}
        for key, values in context.items()
        for kind in ("stringList" if len(values) > 1 else "string",)
    ]
    pages = session.client("iam").get_paginator("simulate_principal_policy")
    found: list[dict[str, Any]] = [
        each
        for page in pages.paginate(
            PolicySourceArn=principal, ActionNames=list(actions), ResourceArns=[resource], ContextEntries=entries
        )
        for each in page["EvaluationResults"]
    ]
    return [str(each["EvalActionName"]) for each in found if each["EvalDecision"] != "allowed"]
