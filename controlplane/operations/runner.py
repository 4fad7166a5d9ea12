"""Runs operations: claim by lease and fence, work, write the outcome, all of it safe to be killed or repeated.

claim ─► handler.run (reports steps, heartbeat extends the lease) ─► finish, in one transaction with the target's state

Whoever lost the lease finds the fence outdated and writes nothing. What dies leaves a lease that runs out.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from controlplane import logs
from controlplane.auth.model import Origin
from controlplane.errors import ControlPlaneError, Permanent, PublicError, Temporary, Unavailable
from controlplane.operations import log as operations
from controlplane.operations import repository
from controlplane.operations.backoff import MAX_ATTEMPTS, MAX_STRIKES, retry_delay, wait_delay
from controlplane.operations.model import OperationKind, OperationState, StepState
from controlplane.operations.repository import OperationRow
from controlplane.operations.steps import Steps
from controlplane.runtime import Runtime, system
from controlplane.work import Work

log = logging.getLogger(__name__)


class LostLease(ControlPlaneError):
    """Another worker has it now: stop, and write nothing."""


@dataclass(frozen=True)
class Outcome:
    """How one run ended. `state` is SUCCEEDED, WAITING (looked at again soon), FAILED or CANCELLED."""

    state: OperationState = OperationState.SUCCEEDED
    message: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)
    detail: Any = None
    """For the handler's own `settle`."""


@dataclass
class Run:
    """One claim of one operation."""

    operation: UUID
    kind: OperationKind
    fence: int
    attempt: int
    strikes: int
    request_id: str
    runtime: Runtime
    heart: Heart
    steps: Steps = field(default_factory=Steps)
    loaded: Any = None
    """What the handler's `load` gave."""

    def report(self, step: str, message: str = "") -> None:
        """See `workspaces.ports.Report`. Raises LostLease."""
        if self.heart.lost(self.operation, self.fence):
            raise LostLease(f"operation {self.operation}: the lease is another worker's")
        now = self.runtime.clock()
        self.steps.report(step, message, now)
        try:
            with self.runtime.work(system("worker")) as work:
                ours = repository.save_steps(work.session, self.operation, self.fence, self.steps.dump())
        except Unavailable:
            return
        if not ours:
            raise LostLease(f"operation {self.operation}: the lease is another worker's")


class Handler(Protocol):
    """What an operation kind does. `load` and `settle` run in transactions, `run` outside of any."""

    def load(self, work: Work, row: OperationRow) -> Any:
        """Everything `run` needs, read in the transaction of the claim."""
        ...

    def run(self, run: Run) -> Outcome:
        """May raise Temporary or Permanent; anything else counts as a strike."""
        ...

    def settle(self, work: Work, run: Run, outcome: Outcome) -> None:
        """Write the target's state, in the transaction that ends the run. Locks the target before anything else."""
        ...


class Heart:
    """Extends the leases of the runs of this process, in a thread of its own."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._lease = timedelta(seconds=runtime.settings.lease_seconds)
        self._held: dict[tuple[UUID, int], bool] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def hold(self, operation: UUID, fence: int) -> None:
        with self._lock:
            self._held[operation, fence] = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
                self._thread.start()

    def drop(self, operation: UUID, fence: int) -> None:
        with self._lock:
            self._held.pop((operation, fence), None)

    def lost(self, operation: UUID, fence: int) -> bool:
        return not self._held.get((operation, fence), False)

    def stop(self) -> None:
        self._stop.set()

    def _beat(self) -> None:
        while not self._stop.wait(self._lease.total_seconds() / 4):
            with self._lock:
                held = [key for key, ours in self._held.items() if ours]
            for operation, fence in held:
                try:
                    with self._runtime.work(system("worker")) as work:
                        ours = repository.extend(work.session, operation, fence, work.now + self._lease)
                except ControlPlaneError:
                    continue
                except Exception:  # the heartbeat must outlive anything
                    log.exception("heartbeat failed")
                    continue
                if not ours:
                    with self._lock:
                        if (operation, fence) in self._held:
                            self._held[operation, fence] = False


class Runner:
    """One per worker process; safe to use from several threads."""

    def __init__(self, runtime: Runtime, handlers: Mapping[OperationKind, Handler], owner: str) -> None:
        self._runtime = runtime
        self._handlers = handlers
        self._owner = owner
        self._lease = timedelta(seconds=runtime.settings.lease_seconds)
        self.heart = Heart(runtime)

    def run(self, operation: UUID) -> bool:
        """Whether it was ours to run. Never raises: what goes wrong is in the table or comes back by its lease."""
        with logs.bound(operation=str(operation)):
            try:
                run = self.claim(operation)
            except Unavailable:
                return False
            except IntegrityError:
                log.debug("another worker took an operation on the same target a moment earlier")
                return False
            if run is None:
                log.debug("not claimed: done, not due, or its target is busy")
                return False
            try:
                with logs.bound(request_id=run.request_id, kind=str(run.kind)):
                    self.execute(run)
            finally:
                self.heart.drop(run.operation, run.fence)
            return True

    def claim(self, operation: UUID) -> Run | None:
        """Take the lease and load what the handler needs. None: nothing to do now. Parks what keeps crashing."""
        with self._runtime.work(system("worker")) as work:
            row = repository.claim(work.session, operation, self._owner, work.now, self._lease)
            if row is None:
                return None
            kind = OperationKind(row.kind)
            run = Run(
                operation=row.id, kind=kind, fence=row.fence, attempt=row.attempt, strikes=row.strikes,
                request_id=row.request_id, runtime=self._runtime, heart=self.heart,
            )  # fmt: skip
            run.loaded = self._handlers[kind].load(work, row)
        self.heart.hold(run.operation, run.fence)
        return run

    def execute(self, run: Run) -> None:
        """Run a claim to its end and write the outcome."""
        try:
            outcome, delay = self._work(run)
            self._finish(run, outcome, delay)
        except LostLease:
            log.warning("lease lost; another worker goes on")
        except Unavailable:
            log.warning("database away; the lease will run out and the operation comes round again")
        except Exception:  # the lease runs out and counts as a strike
            log.exception("could not write the outcome")

    def _work(self, run: Run) -> tuple[Outcome, float]:
        """The outcome, and in how many seconds to come round again where it is WAITING."""
        chance = random.random()  # noqa: S311
        if run.strikes > MAX_STRIKES:
            return Outcome(OperationState.PARKED, f"It crashed {MAX_STRIKES} times in a row and was set aside."), 0
        try:
            outcome = self._handlers[run.kind].run(run)
        except (LostLease, Unavailable):
            raise
        except Exception as error:  # noqa: BLE001 - whatever a handler raises becomes the operation's state
            return _failed(run, error, chance)
        return outcome, wait_delay(run.attempt, chance)

    def _finish(self, run: Run, outcome: Outcome, delay: float) -> None:
        with self._runtime.work(system("worker"), Origin(request_id=run.request_id)) as work:
            self._handlers[run.kind].settle(work, run, outcome)
            row = repository.held(work.session, run.operation, run.fence)
            if row is None:
                raise LostLease(f"operation {run.operation}: the lease is another worker's")
            good = outcome.state in (OperationState.SUCCEEDED, OperationState.CANCELLED)
            waiting = outcome.state == OperationState.WAITING
            if not waiting:
                run.steps.close(
                    StepState.DONE if good else StepState.FAILED, None if good else outcome.message, work.now
                )
            row.steps = run.steps.dump()
            row.lease_owner = row.lease_until = None
            row.result = {**row.result, **outcome.result}
            if not isinstance(outcome.detail, Exception):
                row.strikes = 0
            if waiting:
                row.state = OperationState.WAITING
                row.message = outcome.message
                row.due_at = work.later(seconds=delay)
                row.version += 1
            else:
                operations.end(row, work, outcome.state, outcome.message)
            work.session.flush()
            next_one = repository.queued_on(work.session, row.target, work.now)
            if next_one is not None and next_one != row.id:
                work.enqueue.append(next_one)
        log.info("operation ended its run", extra={"state": str(outcome.state)})


def _failed(run: Run, error: Exception, chance: float) -> tuple[Outcome, float]:
    """What an error of a handler means for the operation, and in how many seconds to come round again."""
    if isinstance(error, Temporary):
        if error.waiting:
            return Outcome(OperationState.WAITING, str(error)), wait_delay(run.attempt, chance)
        if run.attempt >= MAX_ATTEMPTS:
            return Outcome(OperationState.PARKED, f"Gave up after {run.attempt} tries: {error}"), 0
        delay = max(error.retry_after or 0.0, retry_delay(run.attempt, chance))
        return Outcome(OperationState.WAITING, str(error)), delay
    if isinstance(error, Permanent | PublicError):
        return Outcome(OperationState.FAILED, str(error)), 0
    log.exception("operation failed unexpectedly", exc_info=error)
    what = f"Unexpected error ({type(error).__name__}); the log has the details."
    if run.strikes >= MAX_STRIKES:
        return Outcome(OperationState.PARKED, what), 0
    return Outcome(OperationState.WAITING, what, detail=error), retry_delay(run.strikes, chance)
