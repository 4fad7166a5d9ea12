"""What an installation remembers between commands: its steps with their times, and the profile it was made from."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from statistics import median
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from infra.installation.home import Home, write_private

StepState = Literal["running", "done", "failed"]
_KEPT_TIMES = 5


class StepRecord(BaseModel):
    """The last run of one step. `times` are the seconds of the last successful runs, newest last."""

    model_config = ConfigDict(extra="ignore")

    state: StepState
    started: datetime
    finished: datetime | None = None
    times: list[float] = Field(default_factory=list)
    error: str | None = None


class Record(BaseModel):
    """The document `steps.json`. Unknown fields of a newer version are dropped, never an error."""

    model_config = ConfigDict(extra="ignore")

    steps: dict[str, StepRecord] = Field(default_factory=dict)
    profile: dict[str, Any] = Field(default_factory=dict)
    """The profile as last applied, without secrets (it has none)."""
    images: dict[str, str] = Field(default_factory=dict)
    """Image name → reference, as last built."""
    supply: dict[str, str] = Field(default_factory=dict)
    """Tool or image name → where it came from."""
    facts: dict[str, Any] = Field(default_factory=dict)
    """PlatformFacts as last installed."""
    source: str = ""
    """How the profile was named on the command line."""
    broken: dict[str, str] = Field(default_factory=dict)
    """Optional component → why the last `up` could not install it."""
    installed: bool = False
    """Every step of an `up` succeeded at least once."""


class Recorder:
    """Reads and writes the record; every change is on disk before the next step begins."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self.record = read_record(home)

    def start(self, step: str) -> None:
        times = self.record.steps[step].times if step in self.record.steps else []
        self.record.steps[step] = StepRecord(state="running", started=datetime.now(UTC), times=times)
        self.save()

    def finish(self, step: str, error: str | None = None) -> None:
        """Marks a started step done, or failed with the error's first line."""
        entry = self.record.steps[step]
        entry.finished = datetime.now(UTC)
        entry.state = "failed" if error else "done"
        entry.error = error.splitlines()[0][:500] if error else None
        if not error:
            seconds = round((entry.finished - entry.started).total_seconds(), 1)
            entry.times = [*entry.times, seconds][-_KEPT_TIMES:]
        self.save()

    def expected(self, step: str) -> float | None:
        """Median seconds of the last runs, None where there were none."""
        entry = self.record.steps.get(step)
        return median(entry.times) if entry and entry.times else None

    def save(self) -> None:
        write_private(self._home.record, json.dumps(self.record.model_dump(mode="json"), indent=1) + "\n")


def read_record(home: Home) -> Record:
    """The record, empty where there is none yet."""
    if not home.record.exists():
        return Record()
    return Record.model_validate_json(home.record.read_bytes())
