"""Jupyter Server extension: work of the pod's processors and GPUs counts as activity.

A training that was started in a terminal and runs on with every page closed is no idle server. Jupyter itself counts
requests, kernels' messages and terminals' output only.
"""

from __future__ import annotations

import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

CORES = 0.1
"""Used on average over a minute, by everything in the container: a server with an open page and no work takes 0.02."""
GPU_PERCENT = 5
_SECONDS = 60.0
_CGROUPS = Path("/sys/fs/cgroup")
_ASK_GPUS = ("nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits")


def processor_time(cgroups: Path) -> float:
    """Seconds that the container has used: of `cpu.stat` in cgroup v2, of `cpuacct.usage` (nanoseconds) in v1. Raises
    OSError, ValueError."""
    second = cgroups / "cpu.stat"
    if not second.exists():
        return int((cgroups / "cpuacct" / "cpuacct.usage").read_text()) / 1e9
    for line in second.read_text().splitlines():
        name, _, value = line.partition(" ")
        if name == "usage_usec":
            return int(value) / 1e6
    raise ValueError("cpu.stat without usage_usec")


def gpu_use(answer: str) -> int:
    """The busiest GPU's percent, from what nvidia-smi prints: a number a line. One that doesn't tell counts as 0."""
    return max((int(word) for word in answer.split() if word.isdigit()), default=0)


class Meter:
    """Work since it was asked last."""

    def __init__(self, cgroups: Path = _CGROUPS, ask_gpus: tuple[str, ...] = _ASK_GPUS) -> None:
        self._cgroups = cgroups
        self._ask_gpus = ask_gpus
        self._before = self._used()

    def busy(self) -> bool:
        """Whether that was work. What cannot be measured here counts as none."""
        before, now = self._before, self._used()
        self._before = now
        if before is None or now is None or now[1] <= before[1]:
            cores = 0.0
        else:
            cores = (now[0] - before[0]) / (now[1] - before[1])
        return cores >= CORES or self._gpus() >= GPU_PERCENT

    def _used(self) -> tuple[float, float] | None:
        try:
            return processor_time(self._cgroups), time.monotonic()
        except (OSError, ValueError):
            return None

    def _gpus(self) -> int:
        try:
            done = subprocess.run(self._ask_gpus, capture_output=True, text=True, timeout=10, check=True)
        except (OSError, subprocess.SubprocessError):
            return 0
        return gpu_use(done.stdout)


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(server: Any) -> None:
    from tornado.ioloop import IOLoop, PeriodicCallback

    meter = Meter()
    times = server.web_app.settings["last_activity_times"]

    async def look() -> None:
        # Asking GPUs takes seconds at times: not in the loop that answers pages.
        if await IOLoop.current().run_in_executor(None, meter.busy):
            times["work"] = datetime.now(UTC)

    PeriodicCallback(look, _SECONDS * 1000).start()
