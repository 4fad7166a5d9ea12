"""Runs the Pulumi CLI for the Automation API: apart from our terminal, stoppable, nothing inherited that matters."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import IO

from pulumi.automation import CommandResult, OnOutput, PulumiCommand
from pulumi.automation.errors import create_command_error
from semver import VersionInfo

_GRACE_SECONDS = 5.0
_PASSED_ON = (
    *("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "USER", "XDG_CACHE_HOME", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    "STORAGE_EMULATOR_HOST",  # of state in gs://, which our own reader follows too
)
_PASSED_ON_PREFIXES = ("AWS_", "AZURE_", "ARM_", "GOOGLE_", "MLP_")

_LAUNCHER = (
    sys.executable,
    "-I",
    "-S",
    "-c",
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 2); "
    "os.getppid() == int(sys.argv[1]) and os.execv(sys.argv[2], sys.argv[2:])",
)
"""Starts the CLI so that the kernel interrupts it (SIGINT, as one Ctrl-C) when we die, whatever killed us: it then
ends its waits, notes what it did and frees the stack."""


def environment(own: Mapping[str, str]) -> dict[str, str]:
    """What the CLI and its plugins see: little of ours, so that a stray PULUMI_ variable changes nothing."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if key in _PASSED_ON or key.startswith(_PASSED_ON_PREFIXES) or key.lower().endswith("_proxy")
    }
    return {**kept, **own, "PULUMI_AUTOMATION_API": "true"}


class Cli(PulumiCommand):
    """One installed binary. `stop()` may be called from any thread or signal handler.

    The CLI runs in a process group of its own: a terminal's Ctrl-C reaches only us, and we decide. The first
    `stop()` lets running resource operations end, the second ends everything now.
    """

    def __init__(self, binary: Path) -> None:
        # The base class would start the binary to ask its version; the toolchain has checked that already.
        self.command = str(binary)
        self.version = VersionInfo.parse(version("pulumi"))
        self._process: subprocess.Popen[str] | None = None
        self.stops = 0

    def stop(self) -> None:
        """Asks the running command to end; no effect where none runs."""
        self.stops += 1
        process = self._process
        if process is None or process.poll() is not None:
            return
        if self.stops == 1:
            process.send_signal(signal.SIGINT)
        else:
            threading.Thread(target=_end_now, args=(process,), daemon=True).start()

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: OnOutput | None = None,
        on_error: OnOutput | None = None,
    ) -> CommandResult:
        """As the base class; KeyboardInterrupt is taken as a `stop()` and the command's end is awaited."""
        command = [*_LAUNCHER, str(os.getpid()), self.command, "--non-interactive", *args]
        out: list[str] = []
        err: list[str] = []
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=environment(additional_env),
            encoding="utf-8",
            errors="replace",
            process_group=0,
        ) as process:
            self._process = process
            readers = [
                threading.Thread(target=_read, args=(process.stdout, on_output, out), daemon=True),
                threading.Thread(target=_read, args=(process.stderr, on_error, err), daemon=True),
            ]
            for reader in readers:
                reader.start()
            try:
                self._wait(process)
            finally:
                self._process = None
            for reader in readers:
                reader.join(_GRACE_SECONDS)
        result = CommandResult(stdout="\n".join(out), stderr="\n".join(err), code=process.returncode)
        if result.code != 0:
            raise create_command_error(result)
        return result

    def _wait(self, process: subprocess.Popen[str]) -> None:
        while True:
            try:
                process.wait()
                return
            except KeyboardInterrupt:
                self.stop()


def _read(stream: IO[str] | None, callback: Callable[[str], object] | None, lines: list[str]) -> None:
    if stream is None:
        return
    for line in stream:
        text = line.rstrip()
        if callback:
            callback(text)
        lines.append(text)


def _end_now(process: subprocess.Popen[str]) -> None:
    """A second interrupt tells the CLI to give up; what is left of its group after the grace is killed."""
    process.send_signal(signal.SIGINT)
    deadline = time.monotonic() + _GRACE_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
