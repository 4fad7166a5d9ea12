"""The child processes of one run: started without a shell, with a deadline, and ended together when the run ends."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Result:
    """What a process left: `code` is negative where a signal ended it."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """Both outputs, errors last."""
        return f"{self.out}\n{self.err}".strip()


class Cancelled(Exception):
    """Another part of the run failed or was interrupted; this process was ended or not started."""


class Children:
    """Starts processes and knows those that run. Each is a session of its own, so that its children go with it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._closed = False

    def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float | None = None,
        tied: bool = False,
    ) -> Result:
        """The process's end. Raises Cancelled after `close`, OSError where it can't start, TimeoutError at the end.

        `tied` lets the kernel end it when this process is killed, so that long work does not go on for nobody.
        """
        if tied and (setpriv := shutil.which("setpriv")):
            argv = [setpriv, "--pdeathsig", "KILL", "--", *argv]
        with self._lock:
            if self._closed:
                raise Cancelled
            process = subprocess.Popen(
                argv,
                env=dict(os.environ if env is None else env),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                start_new_session=True,
            )
            self._running.add(process)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired as late:
            _end(process)
            process.communicate()
            raise TimeoutError(f"{argv[0]} did not end within {timeout:g} s") from late
        finally:
            with self._lock:
                self._running.discard(process)
            if process.poll() is None:
                _end(process)
                process.wait()
        if self._closed:
            raise Cancelled
        return Result(process.returncode, out, err)

    def close(self) -> None:
        """Ends what runs and lets nothing more start. Their `run` raises Cancelled."""
        with self._lock:
            self._closed = True
            running = list(self._running)
        for process in running:
            _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
