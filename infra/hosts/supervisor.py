"""The process that owns one host: its network namespace, its process 1 and its forwarders.

It holds the host's lock for life, so there is never a second one. Everything it starts dies with it, by the kernel's
hand; the network namespaces live only by its descriptors. So ending this one process leaves files and empty control
groups, nothing else. Where process 1 ends it boots the host again.

Signals: SIGTERM stops the host in order and ends; SIGHUP reads the description again and follows its forwards.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from infra.hosts import cgroups, network, state, syscalls
from infra.hosts.errors import HostError, PortInUse
from infra.hosts.init import READY_FILE, bound_log
from infra.hosts.layout import PATH, Layout
from infra.hosts.model import Forward, dump, fingerprint, load
from infra.hosts.processes import child_of, identify, own_process
from infra.hosts.state import Phase, State

PROJECT_ROOT = Path(__file__).resolve().parents[2]
_SIGNALS = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
_BOOT_SECONDS = 20.0
_STOP_SECONDS = 20.0
_PODS_SECONDS = 5.0
"""The kernel needs a moment to end all processes of a PID namespace."""
_BACKOFF_FIRST, _BACKOFF_LAST, _STEADY = 0.5, 15.0, 60.0


def child_environment() -> dict[str, str]:
    """Environment of Python processes of the host: this project's modules and nothing of the caller's secrets."""
    return {"PATH": PATH.partition(":")[2], "PYTHONPATH": str(PROJECT_ROOT), "LANG": "C.UTF-8", "HOME": "/root"}


def python(module: str, *arguments: str) -> list[str]:
    """Command line of a module of this package."""
    return [sys.executable, "-B", "-m", f"infra.hosts.{module}", *arguments]


def listen(forward: Forward) -> socket.socket:
    """A listening socket on the machine's loopback. Raises PortInUse."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", forward.port))
        listener.listen(256)
    except OSError as error:
        listener.close()
        raise PortInUse(
            f"port {forward.port} of 127.0.0.1 ({forward.name}) cannot be opened: {error.strerror}. "
            "End the process that uses it or choose another port in the profile."
        ) from error
    return listener


class Supervisor:
    """One host's owner. `run` returns when the host was asked to stop."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._spec = load(layout.spec.read_text(encoding="utf-8"))
        self._ip = network.ip_of(self._spec)
        self._network: int | None = None
        self._switch: int | None = None
        self._plugged: str | None = None
        self._listeners: dict[int, socket.socket] = {}
        self._forwarder: subprocess.Popen[bytes] | None = None
        self._forwarder_not_before = 0.0
        self._host: subprocess.Popen[bytes] | None = None
        self._boots = 0
        self._backoff = _BACKOFF_FIRST
        self._boot_at = 0.0
        self._stopping = False
        self._state = State(Phase.STARTING, own_process(), fingerprint(self._spec), dump(self._spec))

    def run(self) -> int:
        """Gives the exit code."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        self._tell()
        try:
            cgroups.create(self._spec.cgroup, self._spec.memory_bytes, self._spec.cpus)
            cgroups.enter(self._spec.cgroup)
            self._listeners = {forward.port: listen(forward) for forward in self._spec.forwards}
            if self._spec.carries_switch:
                self._switch = syscalls.new_network_namespace()
                self._ip.run(self._switch, network.switch_commands())
                self._tell(switch=self._switch)
            self._boot()
        except (HostError, OSError, subprocess.SubprocessError) as error:
            self._tell(phase=Phase.FAILED, reason=str(error))
            return 1
        while not self._stopping:
            event = signal.sigtimedwait(_SIGNALS, 1.0)
            if event is not None and event.si_signo in (signal.SIGTERM, signal.SIGINT):
                self._stopping = True
            elif event is not None and event.si_signo == signal.SIGHUP:
                self._reload()
            else:
                with contextlib.suppress(OSError, subprocess.SubprocessError):  # the next look tries again
                    self._look()
        self._stop()
        return 0

    def _tell(self, **changes: object) -> None:
        self._state = dataclasses.replace(self._state, **changes)  # type: ignore[arg-type]
        with contextlib.suppress(OSError):  # a full disk must not end the host
            state.write(self._layout.state, self._state)

    # The host itself.

    def _boot(self) -> None:
        """Starts process 1 in namespaces of its own and waits until it has taken on its view. Raises on failure."""
        self._end_forwarder()
        deadline = time.monotonic() + _PODS_SECONDS
        while not cgroups.remove_pods(self._spec.cgroup) and time.monotonic() < deadline:
            time.sleep(0.05)
        if self._network is not None:
            os.close(self._network)
        self._network, self._plugged = syscalls.new_network_namespace(), None
        self._ip.run(self._network, network.host_commands())
        self._plug()
        self._boots += 1
        self._boot_at = time.monotonic()
        self._tell(phase=Phase.STARTING, boots=self._boots, init=None)
        self._host = subprocess.Popen(
            [
                "nsenter",
                f"--net=/proc/self/fd/{self._network}",
                *("unshare", "--mount", "--pid", "--fork", "--uts", "--ipc", "--kill-child", "--"),
                *python("init", str(self._layout.root)),
            ],
            stdin=subprocess.DEVNULL,
            env=child_environment(),
            pass_fds=(self._network,),
            preexec_fn=_unblocked_dying_child(os.getpid()),  # noqa: PLW1509 - this process has one thread
        )
        init = self._await_ready(self._host)
        self._tell(phase=Phase.RUNNING, init=identify(init), reason="")

    def _await_ready(self, host: subprocess.Popen[bytes]) -> int:
        deadline = time.monotonic() + _BOOT_SECONDS
        while time.monotonic() < deadline:
            if host.poll() is not None:
                raise HostError(
                    f"process 1 of host {self._spec.name} ended with code {host.returncode} while it started: "
                    f"{self._last_words()}"
                )
            init = child_of(host.pid)
            if init is not None and Path(f"/proc/{init}/root{READY_FILE}").exists():
                return init
            time.sleep(0.02)
        host.kill()
        host.wait()
        raise HostError(f"process 1 of host {self._spec.name} was not ready within {_BOOT_SECONDS:.0f} s")

    def _last_words(self) -> str:
        lines = self._layout.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return next((line for line in reversed(lines) if line and not line.startswith("unshare:")), "it said nothing")

    def _look(self) -> None:
        """Once a second and whenever a child ended: repairs what is broken."""
        now = time.monotonic()
        with contextlib.suppress(OSError):
            bound_log(self._layout.log)
        if self._host is not None and self._host.poll() is not None:
            steady = now - self._boot_at > _STEADY
            self._backoff = _BACKOFF_FIRST if steady else min(self._backoff * 2, _BACKOFF_LAST)
            self._boot_at, code = now + self._backoff, self._host.returncode
            self._host = None
            self._end_forwarder()
            self._tell(phase=Phase.WAITING, init=None, reason=f"process 1 ended with code {code}")
        if self._host is None and now >= self._boot_at:
            try:
                self._boot()
            except (HostError, OSError, subprocess.SubprocessError) as error:
                self._host, self._boot_at = None, now + self._backoff
                self._tell(phase=Phase.WAITING, reason=str(error))
        if self._host is not None:
            with contextlib.suppress(HostError):  # the carrier of the switch is away; tried again in a second
                self._plug()
            self._keep_forwarder(now)

    # The network.

    def _plug(self) -> None:
        """Connects the host to the switch, again whenever the switch is a new one."""
        path = self._switch_path()
        if path is None or path == self._plugged or self._network is None:
            return
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            if self._ip.has_interface(self._network, network.INTERFACE):
                self._ip.run(self._network, (f"link del {network.INTERFACE}",))
            port = network.port_name(self._spec.address)
            if self._ip.has_interface(descriptor, port):  # its other end is in a namespace that is still being removed
                self._ip.run(descriptor, (f"link del {port}",))
            self._ip.run(self._network, network.plug_commands(self._spec, path))
            self._ip.run(descriptor, network.port_commands(self._spec))
        finally:
            os.close(descriptor)
        self._plugged = path

    def _switch_path(self) -> str | None:
        if self._switch is not None:
            return f"/proc/{os.getpid()}/fd/{self._switch}"
        carrier = state.read(self._layout.sibling(self._spec.peers[0].name).state)
        return None if carrier is None else carrier.switch_path

    # The forwarders.

    def _reload(self) -> None:
        """Follows changed forwards. What else changed needs a restart, which is its caller's business."""
        try:
            spec = load(self._layout.spec.read_text(encoding="utf-8"))
            wanted = {forward.port: forward for forward in spec.forwards}
            opened = {port: listen(forward) for port, forward in wanted.items() if port not in self._listeners}
        except (HostError, OSError) as error:
            self._tell(reason=str(error))
            return
        for port in [port for port in self._listeners if port not in wanted]:
            self._listeners.pop(port).close()
        self._listeners.update(opened)
        self._spec = dataclasses.replace(self._spec, forwards=spec.forwards)
        self._end_forwarder()
        self._keep_forwarder(time.monotonic())
        self._tell(spec_text=dump(self._spec), reason="")

    def _keep_forwarder(self, now: float) -> None:
        if self._forwarder is not None and self._forwarder.poll() is not None:
            self._forwarder, self._forwarder_not_before = None, now + 0.5
        wanted = self._spec.forwards and now >= self._forwarder_not_before
        if self._forwarder is None and self._network is not None and wanted:
            self._forwarder = self._start_forwarder(self._network)

    def _start_forwarder(self, namespace: int) -> subprocess.Popen[bytes]:
        plan = [
            (self._listeners[forward.port].fileno(), [(target.address, target.port) for target in forward.targets])
            for forward in self._spec.forwards
        ]
        return subprocess.Popen(
            [
                "nsenter",
                f"--net=/proc/self/fd/{namespace}",
                "--",
                *python("forwarder", json.dumps(plan)),
            ],
            stdin=subprocess.DEVNULL,
            env=child_environment(),
            pass_fds=(namespace, *(descriptor for descriptor, _ in plan)),
            preexec_fn=_unblocked_dying_child(os.getpid()),  # noqa: PLW1509 - this process has one thread
        )

    def _end_forwarder(self) -> None:
        if self._forwarder is not None:
            self._forwarder.kill()
            self._forwarder.wait()
            self._forwarder = None

    def _stop(self) -> None:
        self._end_forwarder()
        if self._host is None:
            return
        init = child_of(self._host.pid)
        with contextlib.suppress(ProcessLookupError):
            if init is not None:
                os.kill(init, signal.SIGTERM)
        try:
            self._host.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._host.kill()
            self._host.wait()


def _unblocked_dying_child(parent: int) -> Callable[[], None]:
    """For preexec_fn: dies with `parent`, and gets signals again, which the supervisor blocks."""
    prepare = syscalls.make_dying_child(parent)

    def both() -> None:
        prepare()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)

    return both


def detach() -> None:
    """Leaves the caller's session: a child of nobody, with its log as output."""
    if os.fork() != 0:
        os._exit(0)
    os.setsid()
    if os.fork() != 0:
        os._exit(0)


def main() -> None:
    """`python -m infra.hosts.supervisor [--foreground] <the host's folder>`.

    Exit code 0 also when another one owns the host already.
    """
    arguments = sys.argv[1:]
    layout = Layout.of(Path(arguments[-1]))
    if "--foreground" not in arguments:
        detach()
    os.chdir("/")
    os.umask(0o077)
    log = os.open(layout.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    for descriptor in (log, null):
        if descriptor > 2:
            os.close(descriptor)
    lock = os.open(layout.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(0)
    with contextlib.suppress(OSError):  # needs a capability that containers often lack
        Path("/proc/self/oom_score_adj").write_text("-500", encoding="utf-8")
    sys.exit(Supervisor(layout).run())


if __name__ == "__main__":
    main()
