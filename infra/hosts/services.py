"""The services of a host and the rules of their supervision. The deciding parts are pure; `init` acts on them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from infra.hosts.layout import (
    CONTAINERD_CONFIG,
    CONTAINERD_SOCKET,
    KUBELET_CONFIG,
    KUBELET_FLAGS,
    PATH,
    SERVICE_LOGS,
    SERVICE_STATE,
    TOOLS_DIR,
)

LOG_BYTES = 8 * 1024 * 1024
"""A service's log is cut at this size; one older piece is kept."""
BACKOFF_FIRST, BACKOFF_LAST = 0.2, 10.0
"""Seconds before a restart: doubled with every end in a row."""
STEADY = 20.0
"""A service that ran this many seconds starts again with the first backoff."""


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Environment of everything that runs on a host."""
    return {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8", **extra}


@dataclass(frozen=True)
class Service:
    """A program that runs for as long as the files it needs are there."""

    name: str
    argv: tuple[str, ...]
    needs: tuple[str, ...] = ()
    flags_file: str | None = None
    """A file `VARIABLE="flags"` whose flags are added to argv."""

    @property
    def log(self) -> Path:
        return Path(SERVICE_LOGS) / f"{self.name}.log"

    @property
    def pid_file(self) -> Path:
        return Path(SERVICE_STATE) / f"{self.name}.pid"


CONTAINERD = Service("containerd", (f"{TOOLS_DIR}/containerd", "--config", CONTAINERD_CONFIG), (CONTAINERD_CONFIG,))
KUBELET = Service(
    "kubelet",
    (
        f"{TOOLS_DIR}/kubelet",
        "--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf",
        "--kubeconfig=/etc/kubernetes/kubelet.conf",
        f"--config={KUBELET_CONFIG}",
    ),
    (KUBELET_CONFIG, CONTAINERD_SOCKET),
    flags_file=KUBELET_FLAGS,
)
SERVICES = (CONTAINERD, KUBELET)


def flags(text: str) -> tuple[str, ...]:
    """The flags in the file that kubeadm writes for kubelet: one line `KUBELET_KUBEADM_ARGS="--a=b --c"`."""
    found: list[str] = []
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith("#"):
            for word in shlex.split(value):
                found.extend(shlex.split(word))
    return tuple(found)


@dataclass
class Record:
    """What happened to a service so far. Times are seconds of a monotonic clock."""

    pid: int | None = None
    started: float = 0.0
    not_before: float = 0.0
    backoff: float = BACKOFF_FIRST
    restarts: int = 0


@dataclass
class Book:
    """The records of all services."""

    records: dict[str, Record] = field(default_factory=dict)

    def of(self, service: Service) -> Record:
        return self.records.setdefault(service.name, Record())

    def due(self, service: Service, present: Mapping[str, bool], now: float) -> bool:
        """Whether to start it now. `present` says of each needed file whether it is there."""
        record = self.of(service)
        return record.pid is None and now >= record.not_before and all(present[path] for path in service.needs)

    def started(self, service: Service, pid: int, now: float) -> None:
        record = self.of(service)
        record.pid, record.started = pid, now

    def ended(self, pid: int, now: float) -> str | None:
        """Notes the end of a process; gives the service's name, or None where it was none of them."""
        for name, record in self.records.items():
            if record.pid == pid:
                _wait_before_next(record, now, steady=now - record.started >= STEADY)
                return name
        return None

    def failed(self, service: Service, now: float) -> None:
        """Notes that a service could not even be started."""
        _wait_before_next(self.of(service), now, steady=False)


def _wait_before_next(record: Record, now: float, steady: bool) -> None:
    record.backoff = BACKOFF_FIRST if steady else min(record.backoff * 2, BACKOFF_LAST)
    record.pid, record.restarts = None, record.restarts + 1
    record.not_before = now + record.backoff
