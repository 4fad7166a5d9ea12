"""Runs named steps in order, records each, and says how to go on when one fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from infra.installation.record import Recorder
from infra.lifecycle.errors import StepFailed
from infra.lifecycle.progress import Event, Report
from infra.plan.steps import PlannedStep

Say = Callable[[str], None]
"""Tells what a step is working on right now."""


@dataclass(frozen=True)
class Step:
    """A planned step with its work. The work is idempotent: it finds out itself what is left to do."""

    planned: PlannedStep
    work: Callable[[Say], None]
    expected: Callable[[], float] | None = None
    """Seconds that are known to be left when it begins; None: what its last runs took, or else what was planned."""


def run(steps: Sequence[Step], recorder: Recorder, report: Report) -> None:
    """Runs the steps in order. Raises StepFailed at the first failure, with the cause chained; nothing is undone."""
    for step in steps:
        name, title = step.planned.name, step.planned.title
        expected = recorder.expected(name) or step.planned.expected
        began = time.monotonic()
        recorder.start(name)
        try:
            if step.expected is not None:
                expected = step.expected()

            def say(
                detail: str, name: str = name, title: str = title, began: float = began, until: float = expected
            ) -> None:
                report(Event(name, "update", title, detail, time.monotonic() - began, until))

            report(Event(name, "started", title, expected=expected))
            step.work(say)
        except BaseException as error:
            text = str(error) or type(error).__name__
            recorder.finish(name, text)
            report(Event(name, "failed", title, text, time.monotonic() - began, expected))
            if isinstance(error, Exception):
                raise StepFailed(name, title, text) from error
            raise
        recorder.finish(name)
        report(Event(name, "done", title, "", time.monotonic() - began, expected))
