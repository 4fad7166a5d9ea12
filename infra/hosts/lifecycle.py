"""Starting, inspecting and removing a host of this machine. Every function is idempotent and waits for its effect."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Collection
from pathlib import Path

from infra.hosts import cgroups, leftovers, state
from infra.hosts.errors import DeadlinePassed, HostFailed, InvalidHost, tail
from infra.hosts.layout import Layout
from infra.hosts.model import HostSpec, dump, fingerprint, load, validate
from infra.hosts.processes import kill_all, wait_until_gone
from infra.hosts.state import Phase, State
from infra.hosts.supervisor import PROJECT_ROOT, child_environment, listen, python

START_SECONDS = 60.0
STOP_SECONDS = 30.0
_SYSTEMD = Path("/run/systemd/system")
"""Exists where systemd is process 1."""


def current(layout: Layout) -> State | None:
    """What the host's supervisor says, or None where the host does not run."""
    return state.read(layout.state)


def follows(said: State | None, spec: HostSpec) -> bool:
    """Whether a host runs and is what the spec says."""
    return said is not None and said.phase == Phase.RUNNING and said.spec_text == dump(spec)


def start(spec: HostSpec, layout: Layout, seconds: float = START_SECONDS) -> State:
    """Makes the host run as the spec says: started, restarted where it must be, left alone where it may.

    Raises NotOurs, PortInUse or InvalidHost before anything is changed; HostFailed or DeadlinePassed with the reason.
    """
    validate(spec)
    _check_tools(spec)
    said = current(layout)
    if said is not None and follows(said, spec):
        return said
    leftovers.refuse_foreign(layout)
    if said is not None and said.fingerprint == fingerprint(spec) and said.phase == Phase.RUNNING:
        _refuse_busy_ports(spec, {forward.port for forward in load(said.spec_text).forwards})
        _write_spec(layout, spec)
        said.supervisor.signal(signal.SIGHUP)
    else:
        stop(layout)
        clean(layout, spec.cgroup)
        _refuse_busy_ports(spec, frozenset())
        _write_spec(layout, spec)
        _launch(spec, layout)
    return _await(spec, layout, seconds)


def _refuse_busy_ports(spec: HostSpec, own: Collection[int]) -> None:
    for forward in spec.forwards:
        if forward.port not in own:
            listen(forward).close()


def stop(layout: Layout, in_order: bool = True) -> None:
    """Ends the host, in order as long as that takes no longer than STOP_SECONDS. What is on its disk stays."""
    said = current(layout)
    if said is None:
        return
    said.supervisor.signal(signal.SIGTERM if in_order else signal.SIGKILL)
    if not wait_until_gone(said.supervisor, STOP_SECONDS):
        said.supervisor.signal(signal.SIGKILL)
        if not wait_until_gone(said.supervisor, STOP_SECONDS):
            raise DeadlinePassed(f"the supervisor of host {layout.host} (process {said.supervisor.pid}) does not end")


def clean(layout: Layout, cgroup: str, seconds: float = 20.0) -> None:
    """Removes what a killed run of this host left: strays and control groups. Nothing may run it at this time.

    Raises NotOurs where something with our name is not ours; DeadlinePassed where something does not go.
    """
    found = leftovers.inspect(layout, cgroup)
    plan = leftovers.decide(found, layout)
    deadline = time.monotonic() + seconds
    kill_all(plan.kill)
    while plan.remove_groups:
        rest = cgroups.remove(cgroup)
        if not rest:
            break
        if time.monotonic() > deadline:
            raise DeadlinePassed(f"the control group {rest[0]} is still in use by processes {cgroups.members(cgroup)}")
        kill_all(cgroups.members(cgroup))
        time.sleep(0.1)


def remove(layout: Layout, cgroup: str, keep_data: bool = False) -> None:
    """Leaves nothing of the host; with `keep_data` its disk stays, and a later `start` goes on with it."""
    leftovers.refuse_foreign(layout)
    leftovers.refuse_mounts(layout)
    stop(layout, in_order=keep_data)
    clean(layout, cgroup)
    if keep_data:
        for file in (layout.state, layout.lock):
            file.unlink(missing_ok=True)
        return
    if layout.root.exists():
        shutil.rmtree(layout.root)
    for folder in (layout.root.parent, layout.base):
        with contextlib.suppress(OSError):  # other hosts are in it, or it is a disk of its own
            folder.rmdir()


def _check_tools(spec: HostSpec) -> None:
    for name, path in spec.tools.items():
        if not os.access(path, os.X_OK):
            raise InvalidHost(
                f"tool {name} is not an executable file at {path}; `platform doctor` shows what is missing"
            )


def _write_spec(layout: Layout, spec: HostSpec) -> None:
    for folder in (layout.base, layout.root.parent, layout.root):
        folder.mkdir(mode=0o700 if folder is not layout.base else 0o755, exist_ok=True)
    layout.disk.mkdir(exist_ok=True)
    temporary = layout.spec.with_suffix(".new")
    temporary.write_text(dump(spec), encoding="utf-8")
    temporary.replace(layout.spec)


def launch_argv(spec: HostSpec, layout: Layout, systemd: bool) -> list[str]:
    """Command line that starts the supervisor and returns: a transient unit of systemd, or a process that detaches."""
    if not systemd:
        return python("supervisor", str(layout.root))
    environment = [f"--setenv={name}={value}" for name, value in child_environment().items()]
    unit = ["systemd-run", f"--unit={spec.cgroup}", "--collect", "--property=KillMode=mixed", *environment]
    return [*unit, "--", *python("supervisor", "--foreground", str(layout.root))]


def _launch(spec: HostSpec, layout: Layout) -> None:
    layout.state.unlink(missing_ok=True)
    done = subprocess.run(
        launch_argv(spec, layout, _SYSTEMD.is_dir()),
        env=child_environment(),
        cwd=PROJECT_ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        start_new_session=True,
        timeout=30,
    )
    if done.returncode != 0:
        raise HostFailed(f"the supervisor of host {layout.host} could not be started: {tail(done.stderr)}")


def _await(spec: HostSpec, layout: Layout, seconds: float) -> State:
    deadline = time.monotonic() + seconds
    while True:
        said = current(layout)
        if said is not None and follows(said, spec):
            return said
        last = state.read_last(layout.state)
        if last is not None and last.phase == Phase.FAILED and not last.supervisor.alive:
            raise HostFailed(f"host {layout.host} could not be started: {last.reason}")
        if time.monotonic() > deadline:
            reason = (last.reason if last else "") or log_tail(layout)
            raise DeadlinePassed(
                f"host {layout.host} does not run after {seconds:.0f} s: {reason or 'it says nothing'}"
            )
        time.sleep(0.05)


def log_tail(layout: Layout) -> str:
    """The end of the supervisor's log."""
    return tail(layout.log.read_text(encoding="utf-8", errors="replace")) if layout.log.exists() else ""


def locked(layout: Layout) -> bool:
    """Whether a supervisor holds the host's lock, whatever its state file says."""
    if not layout.lock.exists():
        return False
    descriptor = os.open(layout.lock, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
