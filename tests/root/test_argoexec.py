"""How argoexec treats the processes of a step by the file that is ours, as process 1 of namespaces of its own."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.installation.home import cache_root
from infra.toolchain.service import Toolchain
from tests.root.conftest import wait_for

pytestmark = pytest.mark.timeout(900)  # argoexec is built where the cache does not have it

NAMESPACES = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
CONTAINER = """
mount -t tmpfs tmpfs /run && mkdir -p /run/argo/ctr/main && echo '{}' > /run/argo/template || exit 99
export ARGO_CONTAINER_NAME=main
exec "$0" emissary -- sh -c "$1"
"""

SECONDS = 60
"""What a step may take, also on a machine that is busy with other tests."""

Step = Callable[[str], subprocess.Popen[str]]


@pytest.fixture(scope="module")
def argoexec() -> Path:
    return Toolchain(cache_root()).ensure(["argoexec"])["argoexec"].path


@pytest.fixture
def step(argoexec: Path) -> Step:
    """Starts a shell script as the main container of a step."""

    def start(script: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*NAMESPACES, "sh", "-c", CONTAINER, str(argoexec), script],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


def process_1(step: subprocess.Popen[str]) -> Path:
    """The folder of the step's process 1 in our own /proc, once its script made /run/ready."""
    children = Path(f"/proc/{step.pid}/task/{step.pid}/children")

    def ready() -> bool:
        return any(Path(f"/proc/{pid}/root/run/ready").exists() for pid in children.read_text().split())

    wait_for(ready, SECONDS)
    return Path("/proc") / children.read_text().strip()


def ended(step: subprocess.Popen[str]) -> int:
    """The step's exit code."""
    try:
        step.communicate(timeout=SECONDS)
    finally:
        step.kill()
    return step.returncode


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("exit 0", 0),
        ("exit 3", 3),
        ("kill -KILL $$", 128 + signal.SIGKILL),
        ("kill -TERM $$", 128 + signal.SIGTERM),
    ],
)
def test_the_exit_code_is_the_commands(step: Step, script: str, code: int) -> None:
    assert ended(step(script)) == code


def test_what_the_command_leaves_running_is_not_waited_for(step: Step) -> None:
    assert ended(step("sleep 600 >/dev/null 2>&1 & exit 4")) == 4


def test_children_of_processes_that_ended_are_reaped(step: Step) -> None:
    script = """
    sh -c 'sleep 1 & echo $! > /run/orphan'
    test "$(cut -d ' ' -f 4 /proc/$(cat /run/orphan)/stat)" = 1 || exit 5
    while test -e /proc/$(cat /run/orphan); do sleep 0.1; done
    """
    assert ended(step(script)) == 0


@pytest.mark.parametrize("way", ["signal", "file"])
def test_a_signal_reaches_the_whole_group(step: Step, way: str) -> None:
    """Kubernetes sends signals to process 1, the wait container writes them into a file."""
    script = """
    trap 'wait; test -e /run/child && exit 7; exit 8' TERM
    sh -c 'trap "echo > /run/child; exit" TERM; echo > /run/ready; while :; do sleep 0.1; done' &
    while :; do sleep 0.1; done
    """
    started = step(script)
    first = process_1(started)

    if way == "signal":
        os.kill(int(first.name), signal.SIGTERM)
    else:
        (first / "root/run/argo/ctr/main/signal").write_text(str(int(signal.SIGTERM)))

    assert ended(started) == 7
