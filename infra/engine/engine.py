"""`Engine`: previews, updates, refreshes and destroys the stacks of one installation."""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pulumi.automation import (
    CommandError,
    EngineEvent,
    LocalWorkspace,
    OutputMap,
    PulumiFn,
    Stack,
    UpdateSummary,
)
from pulumi.automation._stack import StackInitMode

from infra.engine.command import Cli
from infra.engine.errors import EngineBusy, OperationCancelled, ResourcesFailed, StackLocked
from infra.engine.events import Progress
from infra.engine.folder import StateFolder
from infra.engine.holders import Lock, noted
from infra.engine.model import (
    BY_PASSPHRASE,
    Event,
    HistoryEntry,
    OnEvent,
    Op,
    Output,
    Plugin,
    Program,
    Result,
    StackInfo,
)
from infra.engine.programs import TidyProgram, quiet
from infra.engine.project import Project, translated
from infra.engine.repair import Identify, Pending, nothing
from infra.engine.retries import passing, pause

_one_at_a_time = threading.Lock()

_PARALLEL = 32
"""Resource operations at once. Most of them wait, so the engine's own choice (by processors) would be too few."""


class _Stack(Stack):
    """A stack whose operations cost one process start: the base class asks for outputs and history after each."""

    def outputs(self) -> OutputMap:
        return {}

    def info(self, show_secrets: bool = True) -> UpdateSummary | None:  # noqa: ARG002
        return _NO_SUMMARY


class _Workspace(LocalWorkspace):
    """Selecting a stack is left out: every command names its stack."""

    def select_stack(self, stack_name: str) -> None:
        """Nothing to do."""


_NO_SUMMARY = UpdateSummary(
    kind="update",
    start_time=None,  # type: ignore[arg-type]
    message="",
    environment={},
    config={},
    result="succeeded",
)


@dataclass(frozen=True)
class _Run:
    """What one operation was asked for."""

    program: Program | None
    refresh: bool
    on_event: OnEvent
    go_on: bool = False


def _nobody(event: Event) -> None:
    del event


def _together(before: Result | None, after: Result) -> Result:
    """Two attempts at one operation as one: what the first did is no longer `same`."""
    if before is None:
        return after
    done = {op: count for op, count in before.counts.items() if op != Op.SAME}
    counts = Counter(done) + Counter(after.counts)
    counts[Op.SAME] -= sum(count for op, count in done.items() if op != Op.DELETE)
    seconds = before.seconds + after.seconds
    return Result(after.stack, dict(+counts), (*before.changes, *after.changes), seconds)


class Engine:
    """One installation's stacks.

    Every operation raises `EngineError` (see errors.py) and nothing else that is expected. One operation at a time
    per process. Ctrl-C (or `stop()`) once lets running resource operations end and raises OperationCancelled;
    twice ends at once, and the next run finds what was half done.
    """

    def __init__(
        self,
        home: Path,
        pulumi: Path,
        *,
        plugins: Sequence[Plugin] = (),
        state: StateFolder | None = None,
        secrets: str = BY_PASSPHRASE,
        identify: Identify = nothing,
        passphrase: Callable[[], str] | None = None,
        fetch_plugins: bool = False,
        command: str = "",
    ) -> None:
        """`home`: the folder of the installation. `pulumi`: the CLI's binary. `state`: where state lies; None keeps it
        in `<home>/state`. `secrets`: `passphrase`, or the URL of a cloud's key as the CLI takes it. `identify`:
        which id a resource gets, for creations that were cut off. `passphrase`: where
        the passphrase comes from; None keeps one in `<home>/passphrase`. `fetch_plugins`: whether plugins that are not
        handed in may come from PATH or the vendor's downloads. `command`: what was typed, for others who find the
        stack locked; no secrets."""
        self._command = command
        self._project = Project(
            home,
            pulumi,
            plugins=plugins,
            state=state,
            secrets=secrets,
            identify=identify,
            passphrase=passphrase,
            fetch_plugins=fetch_plugins,
        )

    # What is there

    def stacks(self) -> tuple[StackInfo, ...]:
        """All stacks of this home, by name."""
        found = json.loads(self._project.command(["stack", "ls", "--json"]) or "[]")
        return tuple(
            StackInfo(entry["name"], int(entry.get("resourceCount") or 0), entry.get("lastUpdate"))
            for entry in sorted(found, key=lambda entry: str(entry["name"]))
        )

    def outputs(self, stack: str) -> Mapping[str, Output]:
        """What the stack exported at its last `up`, secrets opened. Raises StackMissing."""
        self._project.require(stack)
        found = self._project.outputs(stack)
        if found is not None:
            return found
        arguments = ["stack", "output", "--json", "--stack", stack]
        masked = json.loads(self._project.command(arguments, stack) or "{}")
        shown = json.loads(self._project.command([*arguments, "--show-secrets"], stack) or "{}") if masked else {}
        return {name: Output(value, secret=masked[name] != value) for name, value in shown.items()}

    def history(self, stack: str, limit: int = 10) -> tuple[HistoryEntry, ...]:
        """The newest operations first. Raises StackMissing."""
        arguments = ["stack", "history", "--json", "--page-size", str(limit), "--page", "1", "--stack", stack]
        return tuple(
            HistoryEntry(
                version=int(entry.get("version") or 0),
                kind=str(entry["kind"]),
                result=str(entry["result"]),
                started=str(entry["startTime"]),
                ended=entry.get("endTime"),
                changes=entry.get("resourceChanges") or {},
            )
            for entry in json.loads(self._project.command(arguments, stack) or "[]")
        )

    def exists(self, stack: str) -> bool:
        """Whether the stack was ever made here."""
        return self._project.exists(stack)

    # Operations

    def preview(
        self,
        stack: str,
        program: Program,
        *,
        config: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
        on_event: OnEvent | None = None,
        refresh: bool = False,
    ) -> Result:
        """What `up` would do. Changes no resource; makes the stack where it is missing. `refresh` first looks at what
        is really there, so drift shows."""
        return self._operate(
            stack, "preview", on_event, program=program, config=config, secrets=secrets, refresh=refresh
        )

    def up(
        self,
        stack: str,
        program: Program,
        *,
        config: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
        on_event: OnEvent | None = None,
        refresh: bool = False,
        go_on: bool = False,
    ) -> Result:
        """Makes the resources as the program says. `go_on`: where one fails, those that do not depend on it are made
        all the same before ResourcesFailed names the failures. `refresh` first reads what is really there, so drift is
        undone.

        `config` and `secrets` are kept in the stack's settings (secrets sealed) under the project's namespace; a
        name with a colon, such as `kubernetes:namespace`, is taken as it is. Names not given stay as they were.
        """
        result = self._operate(
            stack, "up", on_event, program=program, config=config, secrets=secrets, refresh=refresh, go_on=go_on
        )
        return Result(result.stack, result.counts, result.changes, result.seconds, self.outputs(stack))

    def refresh(self, stack: str, *, on_event: OnEvent | None = None) -> Result:
        """Reads what is really there into the state. Raises StackMissing."""
        self._project.require(stack)
        return self._operate(stack, "refresh", on_event)

    def destroy(
        self, stack: str, *, on_event: OnEvent | None = None, refresh: bool = False, remove: bool = False
    ) -> Result:
        """Deletes every resource of the stack. `remove` then forgets the stack and its settings. A stack that does
        not exist is an empty result."""
        if not self._project.exists(stack):
            return Result(stack, {}, (), 0.0)
        result = self._operate(stack, "destroy", on_event, refresh=refresh)
        if remove:
            self.forget(stack)
        return result

    def forget(self, stack: str) -> None:
        """Drops the stack's state and settings without touching any resource. For resources that are gone together
        with what they lived in, such as objects of a deleted cluster."""
        if self._project.exists(stack):
            self._project.command(["stack", "rm", "--yes", "--force", "--stack", stack], stack)
        self._project.home.settings_path(stack).unlink(missing_ok=True)

    # What a killed run left

    def locks(self, stack: str) -> tuple[Lock, ...]:
        """Who works on the stack, or did when it died; oldest first."""
        return self._project.locks(stack)

    def pending(self, stack: str) -> tuple[Pending, ...]:
        """Operations that were noted and did not end."""
        return self._project.pending(stack)

    def unlock(self, lock: Lock) -> None:
        """Removes a lock, whoever holds it. `up` does this itself for dead processes of this machine."""
        self._project.folder.delete(lock.name)

    def settle(self, stack: str, *, drop: Collection[str] = ()) -> bool:
        """Forgets unfinished operations that settle by themselves, and the creations whose URN is in `drop`: what they
        may have made in a cloud is then known to nobody. Does nothing, and says so, while others remain. A refresh must
        follow. Raises StackLocked while somebody works on the stack."""
        return self._project.settle(stack, drop=drop)

    def stop(self) -> None:
        """As Ctrl-C: once stops after what is running, twice now. Safe from a signal handler or another thread."""
        if self._project.cli is not None:
            self._project.cli.stop()

    # How

    def _workspace(self, cli: Cli) -> _Workspace:
        return _Workspace(
            work_dir=str(self._project.home.path),
            pulumi_home=str(self._project.home.pulumi_home),
            env_vars=self._project.environment(),
            secrets_provider=self._project.secrets,
            pulumi_command=cli,
        )

    def _operate(
        self,
        name: str,
        operation: str,
        on_event: OnEvent | None,
        *,
        program: Program | None = None,
        config: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
        refresh: bool = False,
        go_on: bool = False,
    ) -> Result:
        with _exclusively(name), self._telling():
            cli = self._project.prepare()
            cli.stops = 0
            with noted(self._project.folder, name, "" if operation == "preview" else self._command):
                self._project.ensure(name)
                self._project.configure(name, config, secrets)
                if operation != "preview":
                    refresh = self._project.mend(name) or refresh
                return self._patiently(name, operation, cli, _Run(program, refresh, on_event or _nobody, go_on))

    def _patiently(self, name: str, operation: str, cli: Cli, run: _Run) -> Result:
        """Runs again what a cloud refused for a while only; gives what all attempts did together."""
        done: Result | None = None
        for attempt in itertools.count(1):
            progress = Progress(name, self._project.expected(name))
            try:
                return _together(done, self._once(name, operation, cli, run, progress))
            except ResourcesFailed as error:
                seconds = None if operation == "preview" else pause(error.failures, attempt)
                if seconds is None:
                    raise
                done = _together(done, Result(name, progress.counts.changed, progress.changes, progress.seconds))
                why = passing(error.failures[0])
                text = f"{error.failures[0].kind} {error.failures[0].name} is {why}; trying again in {seconds:.0f} s"
                run.on_event(progress.message(text))
                self._wait(cli, seconds, name)
        raise AssertionError("the loop ends by itself")

    def _wait(self, cli: Cli, seconds: float, name: str) -> None:
        """Raises OperationCancelled where somebody stops meanwhile."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                time.sleep(min(0.2, seconds))
            except KeyboardInterrupt:
                cli.stop()
            if cli.stops:
                raise OperationCancelled(
                    f"Stopped on request while waiting to go on with stack {name}.",
                    stack=name,
                    remedy="Run the same command to go on.",
                )

    def _once(self, name: str, operation: str, cli: Cli, run: _Run, progress: Progress) -> Result:
        stack = _Stack(name, self._workspace(cli), StackInitMode.SELECT)
        started = time.monotonic()

        def listen(event: EngineEvent) -> None:
            for ours in progress.feed(event, time.monotonic() - started):
                run.on_event(ours)

        tidy = TidyProgram(run.program) if run.program else None
        try:
            with quiet():
                _run(stack, operation, tidy, run, listen)
        except CommandError as error:
            raise translated(name, error, progress, stopped=cli.stops > 0) from error
        finally:
            if tidy:
                tidy.close()
        return Result(name, progress.counts.changed, progress.changes, time.monotonic() - started)

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except StackLocked as error:
            raise self._project.told(error) from error


def _run(
    stack: Stack, operation: str, program: PulumiFn | None, run: _Run, listen: Callable[[EngineEvent], None]
) -> None:
    refresh = run.refresh
    if operation == "preview":
        stack.preview(program=program, on_event=listen, color="never", refresh=refresh or None, parallel=_PARALLEL)
    elif operation == "up":
        stack.up(
            program=program,
            on_event=listen,
            color="never",
            refresh=refresh or None,
            show_secrets=False,
            parallel=_PARALLEL,
            continue_on_error=run.go_on or None,
        )
    elif operation == "refresh":
        stack.refresh(on_event=listen, color="never", show_secrets=False)
    else:
        stack.destroy(on_event=listen, color="never", refresh=refresh or None, show_secrets=False, parallel=_PARALLEL)


@contextlib.contextmanager
def _exclusively(stack: str) -> Iterator[None]:
    if not _one_at_a_time.acquire(blocking=False):
        raise EngineBusy("This process already runs an operation.", stack=stack, remedy="Wait until it has finished.")
    try:
        yield
    finally:
        _one_at_a_time.release()
