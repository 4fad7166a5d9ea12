"""A worker's own look at the table: with the queue away, work goes on, only later."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from controlplane.errors import ControlPlaneError
from controlplane.operations import repository
from controlplane.operations.runner import Runner
from controlplane.runtime import Runtime, system

log = logging.getLogger(__name__)
_EVERY = 3.0
_OVERDUE = timedelta(seconds=4)
"""So old that the queue, which takes milliseconds, has had its chance twice: by the call and by the sweeper."""
_AT_ONCE = 3


class Poller:
    """Runs what is overdue. A claim that another worker was faster with costs one statement."""

    def __init__(self, runtime: Runtime, runner: Runner) -> None:
        self._runtime = runtime
        self._runner = runner

    def start(self) -> None:
        """In a thread of its own, for the life of the process."""
        threading.Thread(target=self._poll, name="poller", daemon=True).start()

    def _poll(self) -> None:
        pause = threading.Event()
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="polled") as pool:
            while not pause.wait(_EVERY):
                try:
                    with self._runtime.work(system("worker")) as work:
                        late = work.now - _OVERDUE
                        overdue = repository.due(work.session, late, late, limit=50)
                    list(pool.map(self._runner.run, [operation for operation, _ in overdue]))
                except ControlPlaneError as error:
                    log.warning("could not look for overdue operations", extra={"cause": str(error)})
                except Exception:
                    log.exception("could not look for overdue operations")
