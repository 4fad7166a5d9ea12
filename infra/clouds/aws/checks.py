"""Preflight on AWS: who asks, what they may do, and whether there is room for the installation. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from infra.clouds.aws import names, places, quotas, rights
from infra.clouds.aws.session import FAILED, Session, said
from infra.clusters.aws.shape import Shape, shape
from infra.preflight.model import Finding
from infra.profile.model import Profile

Check = Callable[[Shape, Session], Iterator[Finding]]

_ALL: tuple[tuple[str, Check], ...] = (
    ("rights", rights.check),
    ("quotas", quotas.check),
    ("zones", places.zones),
    ("machines", places.machines),
    ("version", places.version),
    ("names", names.check),
)


def checks(profile: Profile, session: Session) -> Sequence[Finding]:
    """Identity first: where that fails nothing else is asked."""
    try:
        plan = shape(profile)
    except ValueError as error:
        return [Finding("zones", False, str(error))]
    found = list(identity(plan, session))
    if not all(each.ok for each in found):
        return found
    for name, check in _ALL:
        try:
            found += check(plan, session)
        except FAILED as error:
            found.append(_unasked(name, error))
    return found


def identity(plan: Shape, session: Session) -> Iterator[Finding]:
    """Who we are, and whether that is the profile's account."""
    wanted = plan.scope.account
    try:
        caller = session.client("sts").get_caller_identity()
    except FAILED as error:
        yield Finding(
            "identity",
            False,
            f"AWS does not know who asks: {said(error)}",
            "Sign in (aws sso login), or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
        )
        return
    if caller["Account"] != wanted:
        yield Finding(
            "identity",
            False,
            f"The credentials are of account {caller['Account']}, the profile says {wanted}.",
            "Set AWS_PROFILE to credentials of that account, or aws.account to this one.",
        )
    else:
        yield Finding("identity", True, f"{caller['Arn']} in account {wanted}")


def _unasked(name: str, error: Exception) -> Finding:
    return Finding(
        name,
        False,
        f"AWS did not say: {said(error)}",
        "Without the answer `up` may fail half-way. `platform rights` writes down which rights the question takes.",
        "warning",
    )
