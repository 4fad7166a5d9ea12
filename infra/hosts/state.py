"""What a host's supervisor says about itself: one small JSON file, replaced as a whole."""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from infra.hosts.processes import Process, from_json, json_of


class Phase(StrEnum):
    """How far a host is."""

    STARTING = "starting"
    RUNNING = "running"
    WAITING = "waiting"
    """It ended and is about to be started again; `reason` says why it ended."""
    FAILED = "failed"
    """It could not be started at all; `reason` says why. The supervisor has ended."""


@dataclass(frozen=True)
class State:
    """A snapshot. Only true while `supervisor` is alive."""

    phase: Phase
    supervisor: Process
    fingerprint: str = ""
    """Of the spec that the running host was started with."""
    spec_text: str = ""
    """`dump` of the spec that is in effect, forwards included."""
    init: Process | None = None
    boots: int = 0
    switch: int | None = None
    """Descriptor of the switch's namespace in the supervisor that carries it."""
    reason: str = ""

    @property
    def switch_path(self) -> str | None:
        """A path that opens the switch's namespace, for as long as the supervisor lives."""
        return None if self.switch is None else f"/proc/{self.supervisor.pid}/fd/{self.switch}"


def write(path: Path, state: State) -> None:
    data = {
        **{field.name: getattr(state, field.name) for field in dataclasses.fields(state)},
        "supervisor": json_of(state.supervisor),
        "init": json_of(state.init),
    }
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps(data), encoding="utf-8")
    os.replace(temporary, path)  # noqa: PTH105 - one call, whole or not at all


def read(path: Path) -> State | None:
    """The state whose supervisor is alive, or None: what a dead one wrote says nothing."""
    last = read_last(path)
    return last if last is not None and last.supervisor.alive else None


def read_last(path: Path) -> State | None:
    """What a supervisor said last, whether it lives or not; its `reason` tells why it ended."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        supervisor = from_json(data["supervisor"])
        if supervisor is None:
            return None
        return State(
            phase=Phase(data["phase"]),
            supervisor=supervisor,
            fingerprint=str(data["fingerprint"]),
            spec_text=str(data["spec_text"]),
            init=from_json(data["init"]),
            boots=int(data["boots"]),
            switch=data["switch"],
            reason=str(data["reason"]),
        )
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
