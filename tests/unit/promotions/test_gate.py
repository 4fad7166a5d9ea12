"""Whether a version passes, and the words where it does not."""

from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from controlplane.promotions import gate
from controlplane.promotions.model import Comparison, RuleSet, Threshold
from controlplane.tracking.model import ModelVersion, Run


@pytest.mark.parametrize(
    ("comparison", "measured", "passed"),
    [
        (">=", 0.9, True), (">=", 0.8999, False), (">", 0.9, False), (">", 0.91, True), ("<=", 0.9, True),
        ("<=", 0.91, False), ("<", 0.9, False), ("<", 0.89, True),
        (">=", math.nan, False), ("<=", math.nan, False), (">=", math.inf, False), (">=", None, False),
    ],
)  # fmt: skip
def test_a_threshold(comparison: str, measured: float | None, passed: bool) -> None:
    threshold = Threshold(metric="m", comparison=Comparison(comparison), value=0.9)
    (check,) = gate.checked([threshold], {} if measured is None else {"m": measured})
    assert check.passed is passed
    assert check.measured is None or math.isfinite(check.measured), "JSON has no NaN"


def test_what_failed_is_named_and_what_passed_is_not() -> None:
    thresholds = [Threshold(metric="a", value=1), Threshold(metric="b", comparison=Comparison.BELOW, value=2)]
    assert gate.failures(gate.checked(thresholds, {"a": 1.0, "b": 2.5})) == "b must be below 2; it is 2.5."
    assert gate.failures(gate.checked(thresholds, {"a": 1.0})) == "b must be below 2; the run has no such number."
    assert gate.failures(gate.checked(thresholds, {"a": 1.0, "b": 1.0})) == ""
    assert gate.failures(gate.checked([], {})) == ""


def _run(**changes: object) -> Run:
    values = {"id": "r2", "name": "", "experiment": "1", "status": "", "user": "", "started_at": None, "ended_at": None}
    return Run(**{**values, **changes})  # type: ignore[arg-type]


def test_a_run_is_about_a_version_by_making_reading_or_naming_it() -> None:
    version = ModelVersion(
        name="sales", version=3, source="models:/m-1", run="r1", model="m-1", status="READY", description="",
        aliases=(), tags={}, created_at=None,
    )  # fmt: skip
    assert not gate.evaluates(_run(), version)
    assert gate.evaluates(_run(id="r1"), version)
    assert gate.evaluates(_run(inputs=("m-1",)), version)
    assert gate.evaluates(_run(tags={"mlp.io/evaluates": "sales/3"}), version)
    assert not gate.evaluates(_run(tags={"mlp.io/evaluates": "sales/4"}), version)


@pytest.mark.parametrize("model", ["", "a/b", "a:b", "a*", "**"])
def test_a_rule_names_a_model_or_all(model: str) -> None:
    with pytest.raises(ValidationError):
        RuleSet(model=model)
    assert RuleSet(model="*").model == "*"
    assert RuleSet(model="sales forecast").model == "sales forecast"


def test_a_threshold_is_a_number() -> None:
    with pytest.raises(ValidationError):
        Threshold(metric="m", value=math.nan)
