"""The steps of one run, as they unfold. Pure; times are arguments."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from controlplane.operations.model import Step, StepState


@dataclass
class Steps:
    steps: list[Step] = field(default_factory=list)

    def report(self, name: str, message: str, now: datetime) -> None:
        """A new name ends the step before it; the same name updates the message."""
        if self.steps and self.steps[-1].name == name and self.steps[-1].state is StepState.RUNNING:
            self.steps[-1] = self.steps[-1].model_copy(update={"message": message})
            return
        self.close(StepState.DONE, None, now)
        self.steps.append(Step(name=name, state=StepState.RUNNING, message=message, started_at=now))

    def close(self, state: StepState, message: str | None, now: datetime) -> None:
        """End the step that runs, where one does. `message` None keeps its own."""
        if self.steps and self.steps[-1].state is StepState.RUNNING:
            last = self.steps[-1]
            self.steps[-1] = last.model_copy(
                update={"state": state, "ended_at": now, "message": last.message if message is None else message}
            )

    def dump(self) -> list[dict[str, Any]]:
        return [step.model_dump(mode="json") for step in self.steps]
