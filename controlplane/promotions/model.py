"""Promotions: moving an alias of a registered model to a version, past the workspace's rule for it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from components.names import Role
from controlplane.lineage.model import RunId
from controlplane.model import Command, Paging, Reason, View
from controlplane.models.model import Alias, ModelName, Version

ANY_MODEL = "*"
DEFAULT_ALIAS = "production"


class Comparison(StrEnum):
    AT_LEAST = ">="
    ABOVE = ">"
    AT_MOST = "<="
    BELOW = "<"


MetricName = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", min_length=1, max_length=250)]


class Threshold(Command):
    """A metric of the run that has to hold, such as accuracy >= 0.9."""

    metric: MetricName
    comparison: Comparison = Comparison.AT_LEAST
    value: Annotated[float, Field(allow_inf_nan=False)]


class RuleSet(Command):
    """What a promotion has to pass. It replaces the rule for the same model and alias."""

    model: Annotated[str, StringConstraints(pattern=r"^(?:\*|[^\x00-\x1f\x7f/:*]+)$", max_length=256)] = ANY_MODEL
    """A registered model, or `*` for every model without a rule of its own."""
    alias: Alias = DEFAULT_ALIAS
    thresholds: Annotated[tuple[Threshold, ...], Field(max_length=20)] = ()
    approver: Role | None = None
    """The weakest role that may approve; never the person who asked. None: nobody has to."""


class Rule(View):
    id: UUID
    model: str
    alias: str
    thresholds: tuple[Threshold, ...]
    approver: Role | None
    updated_at: datetime


class PromotionState(StrEnum):
    WAITING = "waiting"
    """Passed its thresholds; an approver answers."""
    DONE = "done"
    """The alias points to the version."""
    REFUSED = "refused"
    """A threshold was missed."""
    REJECTED = "rejected"
    """An approver said no."""


class PromotionCreate(Command):
    model: ModelName
    version: Version
    alias: Alias = DEFAULT_ALIAS
    run: RunId | None = None
    """A run that evaluated this version; without one, the run that made it."""
    reason: Reason | None = None


class Answer(Command):
    reason: Reason


class Check(View):
    """One threshold and what was measured; None where the run has no such metric, or it is no number."""

    metric: str
    comparison: Comparison
    value: float
    measured: float | None
    passed: bool


class Promotion(View):
    id: UUID
    model: str
    version: int
    alias: str
    state: PromotionState
    message: str
    """What came of it, in words; names the metric that failed."""
    run: str | None
    """The run whose metrics were looked at."""
    checks: tuple[Check, ...]
    before: int | None
    """The version that the alias pointed to; None where there was none, or while nothing was decided."""
    reason: str
    requester: str
    approver: Role | None
    decided_by: str | None
    decision_reason: str | None
    can_decide: bool
    """Whether the caller may approve or reject it."""
    created_at: datetime
    decided_at: datetime | None


class PromotionQuery(Paging):
    state: PromotionState | None = None
    model: ModelName | None = None
