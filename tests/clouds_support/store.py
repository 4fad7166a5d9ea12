"""What a stand-in cloud remembers: a folder with a file for each resource, a journal, and the faults it shall show.

    <root>/<package>/<hash>.json    one resource
    <root>/journal.jsonl            operations in the order they ended
    <root>/faults.json              a list of Fault
    <root>/answers.pickle           the Answers of infra.engine.declared, for outputs that are not made by type

Each operation writes before it answers, so a plugin killed in between leaves what a cloud would have.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from infra.engine.declared import Answers


@dataclass(frozen=True)
class Thing:
    """A resource as the cloud has it, secrets in clear as a cloud knows them."""

    kind: str
    id: str
    name: str
    """In the program."""
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    """Inputs among them."""


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong, or takes its time, at the next operations that match."""

    operation: str
    """create, read, update or delete."""
    kind: str = ""
    """Part of the type token; empty for every type."""
    message: str = ""
    """The refusal; none where the operation is only slow."""
    times: int = 1
    seconds: float = 0.0
    after: bool = False
    """The wait comes when the cloud has done its part already: its answer is late."""


@dataclass(frozen=True)
class Entry:
    """One line of the journal."""

    operation: str
    kind: str
    name: str
    id: str
    changed: list[str] = field(default_factory=list)


class Store:
    """One folder. Safe for several plugins at once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)

    def things(self) -> list[Thing]:
        """All resources, by kind and id."""
        found = [Thing(**json.loads(path.read_text("utf-8"))) for path in self.root.glob("*/*.json")]
        return sorted(found, key=lambda thing: (thing.kind, thing.id))

    def find(self, kind: str, identity: str) -> Thing | None:
        path = self._path(kind, identity)
        return Thing(**json.loads(path.read_text("utf-8"))) if path.exists() else None

    def put(self, thing: Thing) -> None:
        path = self._path(thing.kind, thing.id)
        path.parent.mkdir(exist_ok=True)
        temporary = path.with_suffix(".new")
        temporary.write_text(json.dumps(asdict(thing), indent=1), "utf-8")
        temporary.replace(path)

    def drop(self, kind: str, identity: str) -> None:
        self._path(kind, identity).unlink(missing_ok=True)

    def _path(self, kind: str, identity: str) -> Path:
        digest = hashlib.sha256(f"{kind}\n{identity}".encode()).hexdigest()[:24]
        return self.root / kind.partition(":")[0] / f"{digest}.json"

    # Journal

    def note(self, entry: Entry) -> None:
        with (self.root / "journal.jsonl").open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(asdict(entry)) + "\n")

    def journal(self) -> list[Entry]:
        path = self.root / "journal.jsonl"
        return [Entry(**json.loads(line)) for line in path.read_text("utf-8").splitlines()] if path.exists() else []

    # Faults

    def show(self, *faults: Fault) -> None:
        """From now on, these."""
        with self._faults():
            self._write_faults(list(faults))

    def fault(self, operation: str, kind: str) -> Fault | None:
        """The fault for this operation, which is then used up once."""
        with self._faults():
            waiting = self._read_faults()
            for index, fault in enumerate(waiting):
                if fault.operation == operation and fault.kind in kind and fault.times > 0:
                    waiting[index] = Fault(**{**asdict(fault), "times": fault.times - 1})
                    self._write_faults(waiting)
                    return fault
        return None

    def _read_faults(self) -> list[Fault]:
        path = self.root / "faults.json"
        return [Fault(**each) for each in json.loads(path.read_text("utf-8"))] if path.exists() else []

    def _write_faults(self, faults: list[Fault]) -> None:
        (self.root / "faults.json").write_text(json.dumps([asdict(fault) for fault in faults]), "utf-8")

    @contextmanager
    def _faults(self) -> Iterator[None]:
        with (self.root / "faults.lock").open("w", encoding="utf-8") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    # Answers

    def save_answers(self, answers: Answers) -> None:
        (self.root / "answers.pickle").write_bytes(pickle.dumps(answers))

    def answers(self) -> Answers | None:
        path = self.root / "answers.pickle"
        if not path.exists():
            return None
        found: Answers = pickle.loads(path.read_bytes())  # noqa: S301 - written by the same test run
        return found
