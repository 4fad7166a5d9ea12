"""The worker or the watcher as a process of its own, with a cluster of files behind the Reconciler port.

`python -m tests.contract.controlplane.process worker|watcher <folder>`: settings from MLP_*, facts of the tests.
A file `failpoint` in the folder names where the process kills itself; it is removed first, unless `failpoint-always`
is there too. Every line of `log` is one thing that was done.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from controlplane import logs
from controlplane import settings as settings_module
from controlplane.operations.runner import Run, Runner
from controlplane.reconcile.model import Condition, ConditionType, Observation, WorkspaceSpec
from controlplane.runtime import Runtime
from controlplane.watcher import Watcher
from controlplane.worker import make_worker, serve
from controlplane.workspaces.ports import Report
from tests.servers.parent import die_with_parent

STEPS = ("namespace", "objects", "storage")
POINTS = ("claimed", *STEPS, "applied", "finished")


class Folder:
    """What tests and processes share."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def note(self, line: str) -> None:
        with (self.path / "log").open("a") as file:
            file.write(f"{line}\n")

    def lines(self, prefix: str) -> list[str]:
        log = self.path / "log"
        return [line for line in log.read_text().splitlines() if line.startswith(prefix)] if log.exists() else []

    def fail_at(self, point: str, *, always: bool = False) -> None:
        (self.path / "failpoint").write_text(point)
        if always:
            (self.path / "failpoint-always").touch()

    def failpoint(self, point: str) -> None:
        """Die here, as by kill -9, where the test asked for it."""
        file = self.path / "failpoint"
        if file.exists() and file.read_text() == point:
            if not (self.path / "failpoint-always").exists():
                file.unlink()
            self.note(f"killed {point}")
            os.kill(os.getpid(), signal.SIGKILL)


class FileCluster:
    """One file per object. Making one that exists is no write; two with different content would be an error."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        (folder.path / "objects").mkdir(exist_ok=True)

    def apply(self, spec: WorkspaceSpec, report: Report) -> Observation:
        writes = 0
        for step in STEPS:
            report(step)
            self._folder.failpoint(step)
            file = self._folder.path / "objects" / f"{spec.namespace}.{step}"
            content = f"{spec.uid} {spec.generation}"
            if not file.exists() or file.read_text() != content:
                file.write_text(content)
                self._folder.note(f"wrote {spec.namespace} {step} {spec.generation}")
                writes += 1
        self._folder.note(f"applied {spec.namespace}")
        self._folder.failpoint("applied")
        return Observation((Condition(ConditionType.READY, True, "AsWanted"),), writes, len(STEPS))

    def delete(self, spec: WorkspaceSpec, report: Report) -> Observation:
        report("namespace")
        for file in (self._folder.path / "objects").glob(f"{spec.namespace}.*"):
            file.unlink()
        return Observation((), 1, 1)

    def observe(self, spec: WorkspaceSpec) -> Observation:
        there = (self._folder.path / "objects" / f"{spec.namespace}.storage").exists()
        return Observation((Condition(ConditionType.READY, there, "AsWanted" if there else "Gone"),), 0, 1)

    def suspects(self, specs: Iterable[WorkspaceSpec], stopped: Callable[[], bool]) -> tuple[WorkspaceSpec, ...]:
        return tuple(spec for spec in specs if not self.observe(spec).ready)


def _with_failpoints(runner: Runner, folder: Folder) -> None:
    claim, execute = runner.claim, runner.execute

    def claim_or_die(operation):  # type: ignore[no-untyped-def]
        run = claim(operation)
        if run is not None:
            folder.failpoint("claimed")
        return run

    def execute_or_die(run: Run) -> None:
        execute(run)
        folder.failpoint("finished")

    runner.claim = claim_or_die  # type: ignore[method-assign]
    runner.execute = execute_or_die  # type: ignore[method-assign]


def main() -> None:
    die_with_parent()
    part, path = sys.argv[1:]
    folder = Folder(Path(path))
    settings = settings_module.load(os.environ)
    logs.init(settings.log_level)
    cluster = FileCluster(folder)
    if part == "worker":
        app, runner = make_worker(settings, cluster)
        _with_failpoints(runner, folder)
        serve(app)
    else:
        watcher = Watcher(Runtime.make(settings), cluster)
        signal.signal(signal.SIGTERM, lambda *_: watcher.stop())
        watcher.run()


if __name__ == "__main__":
    main()
