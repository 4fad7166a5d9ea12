"""Why a command about an installation failed.

LifecycleError        shown as it stands
├── StepFailed        a step of `up` or `down`; the cause is chained; a retry resumes there
├── PreflightFailed   the machine is not as it must be; every finding at once
└── Refused           a confirmation or a rule said no (exit code 3)
"""

from __future__ import annotations


class LifecycleError(Exception):
    """Message: fact, expectation, remedy."""


class StepFailed(LifecycleError):
    """`step` is its name, `title` what a person reads."""

    def __init__(self, step: str, title: str, reason: str) -> None:
        self.step = step
        self.title = title
        self.reason = reason
        super().__init__(f"{title} failed: {reason}")


class PreflightFailed(LifecycleError):
    """Holds one sentence per finding with its remedy."""

    def __init__(self, findings: tuple[str, ...]) -> None:
        self.findings = findings
        super().__init__("\n".join(findings))


class Refused(LifecycleError):
    """Nothing was changed."""
