"""Runs that end early, and the runs after them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pytest

from infra.engine.errors import StackLocked
from tests.contract.engine.driver import STACK, engine, program
from tests.servers import kubelet as statuses
from tests.servers.kubelet import Kubelet
from tests.servers.kubernetes import KubernetesServer

pytestmark = pytest.mark.contract


@dataclass
class Running:
    """An `up` in another process that waits for its Deployments."""

    process: subprocess.Popen[str]
    home: Path
    server: KubernetesServer
    namespace: str

    def program(self) -> Any:
        return program(self.server.kubeconfig.read_text(), self.namespace)

    def wait_until_it_waits(self) -> None:
        """Returns once both Deployments exist and are waited for."""
        waiting = set()
        assert self.process.stdout
        for line in self.process.stdout:
            event = json.loads(line)
            if event.get("kind") == "waiting":
                waiting.add(event["name"])
            if waiting >= {"fixed", "generated"}:
                return
        raise AssertionError("the driver ended early")

    def ended(self) -> str:
        """How it ended, in its own words."""
        assert self.process.stdout
        return str([json.loads(line) for line in self.process.stdout][-1]["ended"])

    def pulumi_pids(self) -> list[int]:
        """The CLI processes that the driver started."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(pid) for pid in children if Path(f"/proc/{pid}/comm").read_text().startswith("pulumi")]

    def deployments(self) -> dict[str, str]:
        found = self.server.request("GET", f"/apis/apps/v1/namespaces/{self.namespace}/deployments")["items"]
        return {each["metadata"]["name"]: each["metadata"]["uid"] for each in found}

    def state(self) -> dict[str, Any]:
        path = self.home / "state" / ".pulumi" / "stacks" / "mlp" / f"{STACK}.json"
        latest: dict[str, Any] = json.loads(path.read_text())["checkpoint"]["latest"]
        return latest


@pytest.fixture
def running(tmp_path: Path, kubernetes_server: KubernetesServer) -> Iterator[Running]:
    namespace = kubernetes_server.create_namespace("interrupted")
    kubeconfig = kubernetes_server.kubeconfig.read_text()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.contract.engine.driver", str(tmp_path), kubeconfig, namespace],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    try:
        yield Running(process, tmp_path, kubernetes_server, namespace)
    finally:
        process.kill()
        process.communicate()


def finish(running: Running) -> None:
    """The next `up`, with pods that become ready."""
    before = running.deployments()
    with Kubelet(running.server, running.namespace) as kubelet:
        kubelet.report = statuses.running
        result = engine(running.home).up(STACK, running.program())
        assert running.deployments() == before
        assert set(result.counts) <= {"create", "update", "same"}
        assert not running.state().get("pending_operations")
        assert not engine(running.home).up(STACK, running.program()).changed


def test_interrupted_once_it_stops_waiting_and_goes_on_later(running: Running) -> None:
    running.wait_until_it_waits()
    running.process.send_signal(signal.SIGINT)
    assert running.ended() == "OperationCancelled"
    kept = {resource["urn"].rpartition("::")[2] for resource in running.state()["resources"]}
    assert {"settings", "fixed", "generated"} <= kept
    finish(running)


def test_killed_with_its_cli_it_is_found_again(running: Running) -> None:
    running.wait_until_it_waits()
    pids = [*running.pulumi_pids(), running.process.pid]
    assert len(pids) == 2
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    running.process.wait()
    assert running.state()["pending_operations"]
    finish(running)


def test_killed_alone_its_cli_ends_by_itself_and_frees_the_stack(running: Running) -> None:
    running.wait_until_it_waits()
    (cli,) = running.pulumi_pids()
    running.process.kill()
    running.process.wait()
    deadline = time.monotonic() + 30
    while Path(f"/proc/{cli}").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not Path(f"/proc/{cli}").exists()
    finish(running)


def test_a_second_run_is_refused_while_one_works(running: Running) -> None:
    running.wait_until_it_waits()
    with pytest.raises(StackLocked, match=rf"process {running.pulumi_pids()[0]}\b"):
        engine(running.home).up(STACK, lambda: pulumi.export("a", 1))
    running.process.send_signal(signal.SIGINT)
    assert running.ended() == "OperationCancelled"


def test_interrupted_twice_it_ends_though_the_plugin_hangs(running: Running) -> None:
    running.wait_until_it_waits()
    (cli,) = running.pulumi_pids()
    (plugin,) = [int(pid) for pid in _children(cli)]
    os.kill(plugin, signal.SIGSTOP)
    try:
        running.process.send_signal(signal.SIGINT)
        time.sleep(1.0)
        assert running.process.poll() is None
        running.process.send_signal(signal.SIGINT)
        begun = time.monotonic()
        assert running.ended() == "OperationCancelled"
        assert time.monotonic() - begun < 60
    finally:
        os.kill(plugin, signal.SIGKILL)
    finish(running)


def _children(pid: int) -> list[str]:
    tasks = Path(f"/proc/{pid}/task")
    return [child for task in tasks.iterdir() for child in (task / "children").read_text().split()]
