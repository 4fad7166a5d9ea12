"""Whether a version passes a rule. Pure."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence

from controlplane.promotions.model import Check, Comparison, Threshold
from controlplane.tracking.model import ModelVersion, Run

EVALUATES = "mlp.io/evaluates"
"""Tag of a run that evaluated a version: `<model>/<version>`. A run with the version's model as input needs none."""
_HOLDS: Mapping[Comparison, Callable[[float, float], bool]] = {
    Comparison.AT_LEAST: operator.ge,
    Comparison.ABOVE: operator.gt,
    Comparison.AT_MOST: operator.le,
    Comparison.BELOW: operator.lt,
}
_WORDS = {
    Comparison.AT_LEAST: "at least",
    Comparison.ABOVE: "above",
    Comparison.AT_MOST: "at most",
    Comparison.BELOW: "below",
}


def checked(thresholds: Sequence[Threshold], metrics: Mapping[str, float]) -> tuple[Check, ...]:
    """Every threshold with what was measured. What was not measured, or is no number, does not pass."""
    return tuple(_check(threshold, metrics.get(threshold.metric)) for threshold in thresholds)


def _check(threshold: Threshold, measured: float | None) -> Check:
    number = measured if measured is not None and math.isfinite(measured) else None
    return Check(
        metric=threshold.metric, comparison=threshold.comparison, value=threshold.value, measured=number,
        passed=number is not None and _HOLDS[threshold.comparison](number, threshold.value),
    )  # fmt: skip


def failures(checks: Sequence[Check]) -> str:
    """What did not pass, one sentence each; empty where all did."""
    return " ".join(
        f"{check.metric} must be {_WORDS[check.comparison]} {check.value:g}; "
        + (f"it is {check.measured:g}." if check.measured is not None else "the run has no such number.")
        for check in checks
        if not check.passed
    )


def evaluates(run: Run, version: ModelVersion) -> bool:
    """Whether the run says that it is about this version: it made it, read its model, or names it by a tag."""
    if run.id == version.run or (version.model and version.model in (*run.models, *run.inputs)):
        return True
    return run.tags.get(EVALUATES) == f"{version.name}/{version.version}"
