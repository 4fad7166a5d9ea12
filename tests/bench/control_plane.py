"""The control plane as processes on a real API server: from the call to the ready workspace, and what it takes idle.

`python -m tests.bench.control_plane [n]` prints one line per figure: the time from `POST workspaces` to the operation
seen as succeeded (API by gunicorn, queue, worker, reconcile with 31 objects), API requests of one creation, and the
proportional memory of every process after it has been idle for some seconds.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx

from components.control_plane.objects import command
from components.control_plane.settings import ControlPlaneSettings
from controlplane import migrations
from controlplane.db import make_engine
from tests.contract.reconcile.world import FACTS, World
from tests.servers.gateway import hop_secret
from tests.servers.kubernetes import kubernetes
from tests.servers.ports import free_port, wait_for_port
from tests.servers.postgres import Postgres
from tests.servers.valkey import Valkey

PASSWORD = "bench-password-of-the-admin"
GATEWAY_SECRET = hop_secret("control-plane")
QUOTA = {"cpu": "1", "memory": "1Gi", "storage": "1Gi", "pods": 10}


def _memory(pid: int) -> float:
    """Proportional set size of a process and its children, in MiB."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    own = 0.0
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            own = int(line.split()[1]) / 1024
    return own + sum(_memory(int(child)) for child in children)


def _environment(folder: Path, postgres: Postgres, queue: Valkey, world: World) -> dict[str, str]:
    facts = FACTS.model_copy(update={"storage": None, "storage_admin": None})
    files = {"facts.json": facts.model_dump_json(), "admin": PASSWORD, "gateway": GATEWAY_SECRET}
    for name, content in files.items():
        (folder / name).write_text(content)
    token = world.server.service_account_token("mlp-system", "control-plane")
    (folder / "kubeconfig").write_text(json.dumps(world.server.kubeconfig_with_token(token)))
    return {
        "PATH": os.environ["PATH"],
        "MLP_DATABASE_URL": postgres.url("controlplane", "controlplaneapp"),
        "MLP_OWNER_DATABASE_URL": postgres.url("controlplane", "controlplane"),
        "MLP_BROKER_URL": queue.url,
        "MLP_FACTS_FILE": str(folder / "facts.json"),
        "MLP_FIRST_ADMIN_PASSWORD_FILE": str(folder / "admin"),
        "MLP_GATEWAY_SECRET_FILE": str(folder / "gateway"),
        "MLP_KUBECONFIG": str(folder / "kubeconfig"),
        "MLP_LOG_LEVEL": "WARNING",
        "MALLOC_ARENA_MAX": "2",
    }


def create(api: httpx.Client, name: str) -> tuple[float, int]:
    """Milliseconds from the call to the end of its operation, and its API requests."""
    start = time.perf_counter()
    operation = api.post("/tenants/bench/workspaces", json={"name": name, "quota": QUOTA}).json()["operation"]
    while True:
        found = api.get(f"/operations/{operation}").json()
        if found["state"] not in ("queued", "running", "waiting"):
            break
        time.sleep(0.005)
    if found["state"] != "succeeded":
        raise RuntimeError(f"creation ended as {found['state']}: {found['message']}")
    return (time.perf_counter() - start) * 1000, found["result"]["requests"]


@dataclass(frozen=True)
class Started:
    """A control plane of processes with everything that it needs, empty but for the first administrator."""

    folder: Path
    world: World
    port: int
    processes: Mapping[str, subprocess.Popen[bytes]]

    def api(self) -> httpx.Client:
        """As the administrator."""
        address = f"http://127.0.0.1:{self.port}/api/v1"
        made = httpx.post(f"{address}/login", json={"account": "admin", "password": PASSWORD}, timeout=30).json()
        return httpx.Client(base_url=address, headers={"Authorization": f"Bearer {made['secret']}"}, timeout=30)


def start(stack: ExitStack) -> Started:
    """Everything ends with the stack."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mlp-bench-")))
    server = stack.enter_context(kubernetes(folder / "kubernetes"))
    world = World(server, folder)
    stack.callback(world.close)
    postgres = Postgres().start()
    stack.callback(postgres.close)
    queue = Valkey().start()
    stack.callback(queue.close)
    postgres.sql("CREATE ROLE controlplane LOGIN")
    postgres.sql("CREATE ROLE controlplaneapp LOGIN")
    postgres.sql("CREATE DATABASE controlplane OWNER controlplane")
    engine = make_engine(postgres.url("controlplane", "controlplane"), pool=1)
    migrations.upgrade(engine, "controlplaneapp")
    engine.dispose()
    environment = _environment(folder, postgres, queue, world)
    python = [sys.executable, "-m"]
    subprocess.run([*python, "controlplane.manage", "bootstrap-admin"], env=environment, check=True)
    port = free_port()
    processes = {
        part: subprocess.Popen([*python, *command(ControlPlaneSettings(), part, port)], env=environment)
        for part in ("api", "worker", "watcher")
    }
    for process in processes.values():
        stack.callback(process.wait, 30)
        stack.callback(process.terminate)
    wait_for_port(port, 60)
    return Started(folder, world, port, processes)


def main(count: int = 20) -> None:
    with ExitStack() as stack:
        started = start(stack)
        with started.api() as api:
            quota = {"cpu": "500", "memory": "500Gi", "storage": "500Gi", "pods": 5000}
            api.post("/tenants", json={"slug": "bench", "quota": quota}).raise_for_status()
            create(api, "warm")
            took = [create(api, f"w{n}") for n in range(count)]
        times = sorted(t for t, _ in took)
        print(f"workspace create: median {statistics.median(times):.0f} ms, worst {times[-1]:.0f} ms, n={count}")  # noqa: T201
        print(f"API requests of one creation: {max(r for _, r in took)}")  # noqa: T201
        time.sleep(8)
        memory = {part: _memory(process.pid) for part, process in started.processes.items()}
        for part, used in memory.items():
            print(f"idle memory {part}: {used:.0f} MiB")  # noqa: T201
        print(f"idle memory of all: {sum(memory.values()):.0f} MiB and the queue")  # noqa: T201


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:2]))
