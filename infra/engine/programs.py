"""Runs a program inside the Automation API and tidies what the SDK leaves when an operation fails.

When the engine ends while a program still waits for it, the SDK's language server raises in its own thread, prints
that, and leaves its event loop open. Neither says anything that the operation's own error does not.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterator

from infra.engine.model import Program

_SECONDS_TO_END = 2.0
_NOISY = ("grpc._server", "grpc._channel", "asyncio")


class TidyProgram:
    """A program to hand to the SDK; leave the `with` block only after the operation."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._loops: list[asyncio.AbstractEventLoop] = []

    def __call__(self) -> None:
        self._loops.append(asyncio.get_running_loop())
        self._program()

    def close(self) -> None:
        """Closes loops that the SDK left open, once their threads are out of them."""
        deadline = time.monotonic() + _SECONDS_TO_END
        for loop in self._loops:
            while loop.is_running() and time.monotonic() < deadline:
                time.sleep(0.01)
            if not loop.is_running() and not loop.is_closed():
                _end_tasks(loop)
                loop.close()


def _end_tasks(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks, timeout=_SECONDS_TO_END))


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keeps the SDK's own tracebacks off the terminal while an operation runs."""
    levels = {name: logging.getLogger(name).level for name in _NOISY}
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
