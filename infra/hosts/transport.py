"""How to run commands on a host and move small files, whatever kind of host it is.

`Transport` is all that making a cluster needs; `LocalTransport` enters the namespaces of a host of this machine.
"""

from __future__ import annotations

import os
import posixpath
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Protocol

from infra.hosts import state
from infra.hosts.errors import CommandFailed, DeadlinePassed, HostFailed, tail
from infra.hosts.layout import ADMIN_CONF, Layout
from infra.hosts.model import load
from infra.hosts.services import environment

Input = bytes | IO[bytes] | None
"""What a command reads: nothing, bytes, or a stream that has a descriptor."""


@dataclass(frozen=True)
class Completed:
    """A command that ended. `output` is its standard output; `errors` what it complained about."""

    code: int
    output: bytes
    errors: str

    @property
    def text(self) -> str:
        return self.output.decode(errors="replace")


class Transport(Protocol):
    """One host. No argument may hold a secret: arguments can be seen by everybody on the host."""

    @property
    def host(self) -> str:
        """The host's name, for messages."""

    def run(self, argv: Sequence[str], stdin: Input = None, timeout: float = 60, check: bool = True) -> Completed:
        """Runs a command with the host's PATH and the cluster's administrator as KUBECONFIG.

        Raises CommandFailed for a code other than 0 if `check`, DeadlinePassed after `timeout` seconds (the command is
        ended then), HostFailed where the host does not run.
        """

    def put(self, path: str, content: bytes, mode: int = 0o600) -> None:
        """Writes a file whole or not at all, its folder included."""

    def get(self, path: str) -> bytes | None:
        """A file's content, or None where there is none."""


_PUT = 'umask 077 && mkdir -p "$(dirname "$1")" && cat > "$1.new" && chmod "$2" "$1.new" && mv "$1.new" "$1"'
_GET = 'if [ -e "$1" ]; then cat "$1"; else exit 3; fi'
_ABSENT = 3


class ShellFiles:
    """`put` and `get` by a shell on the host, for any transport that has `run`."""

    def run(self, argv: Sequence[str], stdin: Input = None, timeout: float = 60, check: bool = True) -> Completed:
        raise NotImplementedError

    def put(self, path: str, content: bytes, mode: int = 0o600) -> None:
        self.run(["/bin/sh", "-c", _PUT, "put", _absolute(path), f"{mode:04o}"], stdin=content)

    def get(self, path: str) -> bytes | None:
        done = self.run(["/bin/sh", "-c", _GET, "get", _absolute(path)], check=False)
        if done.code == _ABSENT:
            return None
        if done.code != 0:
            raise CommandFailed(["cat", path], done.code, done.errors)
        return done.output


def _absolute(path: str) -> str:
    if not path.startswith("/") or posixpath.normpath(path) != path:
        raise ValueError(f"not an absolute, plain path: {path!r}")
    return path


def enter_argv(init: int, argv: Sequence[str]) -> list[str]:
    """Command line that runs `argv` in the namespaces of a process."""
    return ["nsenter", "-t", str(init), "-n", "-m", "-p", "-u", "-i", "--", *argv]


class LocalTransport(ShellFiles):
    """A host of this machine, by its supervisor's word on where process 1 is."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    @property
    def host(self) -> str:
        return self._layout.host

    def run(self, argv: Sequence[str], stdin: Input = None, timeout: float = 60, check: bool = True) -> Completed:
        current = state.read(self._layout.state)
        if current is None or current.init is None or not current.init.alive:
            raise HostFailed(f"host {self.host} does not run; `platform up` starts it")
        process = subprocess.Popen(
            enter_argv(current.init.pid, argv),
            stdin=subprocess.PIPE if isinstance(stdin, bytes) else stdin or subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**environment(load(current.spec_text).env), "KUBECONFIG": ADMIN_CONF},
            cwd="/",
            start_new_session=True,
        )
        try:
            output, errors = process.communicate(stdin if isinstance(stdin, bytes) else None, timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, errors = process.communicate()
            said = tail(errors.decode(errors="replace")) or "it printed nothing"
            raise DeadlinePassed(f"{argv[0]} on {self.host} took longer than {timeout:.0f} s: {said}") from None
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        done = Completed(process.returncode, output, errors.decode(errors="replace"))
        if check and done.code != 0:
            raise CommandFailed(argv, done.code, done.errors or done.text)
        return done
