"""Process 1 of a host: takes on the host's view of the machine, then keeps its services running.

It restarts a service that ends and reaps what others leave behind. Containers belong to their shims, so they go on
while containerd or kubelet are restarted. SIGTERM stops everything in order; when this process ends the kernel ends
the rest.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

from infra.hosts import mounts
from infra.hosts.layout import SERVICE_STATE, Layout
from infra.hosts.model import load
from infra.hosts.network import SYSCTLS
from infra.hosts.services import LOG_BYTES, SERVICES, Book, Service, environment, flags

READY_FILE = f"{SERVICE_STATE}/ready"
"""Inside the host: made once the mounts are in place and services are being started."""

_STOP_KUBELET, _STOP_ALL = 3.0, 8.0
_TICK = 1.0
_LOG_CHECK = 10.0


def main() -> None:
    """`python -m infra.hosts.init <the host's folder>`, started by the supervisor in new namespaces."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT})
    layout = Layout.of(Path(sys.argv[1]))
    spec = load(layout.spec.read_text(encoding="utf-8"))
    os.umask(0o022)
    socket.sethostname(spec.name)
    try:
        mounts.prepare(layout, spec)
        mounts.enter(layout, spec)
        _sysctls()
    except OSError as error:
        sys.exit(f"the host's file system could not be set up: {error}")
    Path(SERVICE_STATE).mkdir(parents=True, exist_ok=True)
    Path(READY_FILE).touch()
    _supervise(environment(spec.env))


def _sysctls() -> None:
    for name, value in SYSCTLS.items():
        with contextlib.suppress(FileNotFoundError):
            (Path("/proc/sys") / name).write_text(value, encoding="utf-8")


def _supervise(env: dict[str, str]) -> None:
    book = Book()
    next_log_check = 0.0
    while True:
        now = time.monotonic()
        for service in SERVICES:
            if book.due(service, {path: Path(path).exists() for path in service.needs}, now):
                _start(service, env, book, now)
        if now >= next_log_check:
            next_log_check = now + _LOG_CHECK
            for service in SERVICES:
                with contextlib.suppress(OSError):  # on a full disk logs are the least of the problems
                    bound_log(service.log)
        event = signal.sigtimedwait({signal.SIGCHLD, signal.SIGTERM, signal.SIGINT}, _wait(book, now))
        if event is not None and event.si_signo in (signal.SIGTERM, signal.SIGINT):
            _stop(book)
        for pid in _reap():
            name = book.ended(pid, time.monotonic())
            if name is not None:
                _log(name, f"process {pid} ended")


def _wait(book: Book, now: float) -> float:
    """Seconds until something may be due."""
    pending = [record.not_before - now for record in book.records.values() if record.pid is None]
    return min([_TICK, *(max(seconds, 0.05) for seconds in pending)])


def _start(service: Service, env: dict[str, str], book: Book, now: float) -> None:
    """A full disk or a missing file must not end process 1, and the host with it: it is tried again later."""
    try:
        book.started(service, _spawn(service, env), now)
    except OSError as error:
        book.failed(service, now)
        _log(service.name, f"could not be started: {error}")


def _spawn(service: Service, env: dict[str, str]) -> int:
    argv = list(service.argv)
    if service.flags_file is not None and Path(service.flags_file).exists():
        argv += flags(Path(service.flags_file).read_text(encoding="utf-8"))
    service.log.parent.mkdir(parents=True, exist_ok=True)
    log = os.open(service.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
    try:
        pid = os.posix_spawn(
            argv[0],
            argv,
            env,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, log, 1),
                (os.POSIX_SPAWN_DUP2, log, 2),
            ],
            setsid=True,
            setsigmask=[],
            setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],  # Python ignores these; what it starts must not
        )
    finally:
        os.close(log)
    service.pid_file.write_text(f"{pid}\n", encoding="utf-8")
    return pid


def _reap() -> list[int]:
    ended = []
    with contextlib.suppress(ChildProcessError):
        while (pid := os.waitpid(-1, os.WNOHANG)[0]) != 0:
            ended.append(pid)
    return ended


def _stop(book: Book) -> None:
    """Kubelet first, so that it does not restart what ends; then everything; what is left dies with this process."""
    kubelet = book.records.get("kubelet")
    if kubelet is not None and kubelet.pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(kubelet.pid, signal.SIGTERM)
        _wait_for(lambda ended: kubelet.pid in ended, _STOP_KUBELET)
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGTERM)
    _wait_for(lambda _: not _others(), _STOP_ALL)
    os.sync()
    sys.exit(0)


def _wait_for(done: Callable[[list[int]], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not done(_reap()) and time.monotonic() < deadline:
        signal.sigtimedwait({signal.SIGCHLD}, 0.1)


def _others() -> bool:
    return any(entry.name.isdigit() and entry.name != "1" for entry in Path("/proc").iterdir())


def bound_log(path: Path, limit: int = LOG_BYTES) -> None:
    """Keeps a log within twice `limit` bytes. Copied and cut in place, because its writer holds it open."""
    if path.exists() and path.stat().st_size > limit:
        shutil.copyfile(path, path.with_suffix(".log.1"))
        os.truncate(path, 0)


def _log(service: str, text: str) -> None:
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {service}: {text}\n")
        sys.stderr.flush()


if __name__ == "__main__":
    main()
