"""How fast workspaces are made and compared: `python -m tests.bench.workspaces [--count 20] [--json]`.

Runs a real API server of its own and prints figures beside `kubectl apply --server-side` of the same objects in the
same run, since a figure alone says more about the machine than about us.
"""

from __future__ import annotations

import argparse
import copy
import json
import logging
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.contract import KubernetesObject
from controlplane.kube import resources
from controlplane.kube.client import Kube
from controlplane.kube.transport import Patience
from controlplane.reconcile.model import Drift, WorkspaceSpec
from controlplane.reconcile.service import Reconciler
from controlplane.reconcile.watch import DriftWatcher
from tests.contract.reconcile.world import FACTS, RememberedStorage, World, some_slug, some_spec
from tests.servers.binaries import find
from tests.servers.kubernetes import kubernetes


@dataclass(frozen=True)
class Timed:
    """Seconds of single runs."""

    seconds: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def worst(self) -> float:
        return max(self.seconds)


def timed(steps: list[Callable[[], Any]]) -> tuple[Timed, list[Any]]:
    """Runs each step on its own clock."""
    seconds, results = [], []
    for step in steps:
        started = time.monotonic()
        results.append(step())
        seconds.append(time.monotonic() - started)
    return Timed(seconds), results


def copied(objects: tuple[KubernetesObject, ...], namespace: str) -> list[KubernetesObject]:
    """The same objects for another namespace."""
    made = copy.deepcopy(list(objects))
    made[0]["metadata"]["name"] = namespace
    for obj in made[1:]:
        obj["metadata"]["namespace"] = namespace
    return made


def by_kubectl(world: World, folder: Path, objects: list[KubernetesObject]) -> None:
    """`kubectl apply --server-side` of one workspace's objects."""
    path = folder / f"{objects[0]['metadata']['name']}.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    subprocess.run(
        [
            str(find("kubectl")),
            f"--kubeconfig={world.server.kubeconfig}",
            "apply",
            "--server-side",
            f"--filename={path}",
        ],
        check=True,
        capture_output=True,
    )


def measure(count: int) -> dict[str, Any]:
    """All figures, as data."""
    with tempfile.TemporaryDirectory() as name, kubernetes() as server:
        folder = Path(name)
        world = World(server, folder)
        reconciler = Reconciler(world.control_plane, RememberedStorage(), FACTS)
        reconciler.apply(some_spec())  # connections and schemas are warm
        specs = [some_spec(internet=True) for _ in range(count)]
        created, outcomes = timed([lambda spec=spec: reconciler.apply(spec) for spec in specs])
        objects = reconciler.desired(specs[0])
        others = [copied(objects, f"ws-{some_slug('k')}--x") for _ in range(max(5, count // 4))]
        kubectl, _ = timed([lambda each=each: by_kubectl(world, folder, each) for each in others])
        again, compared = timed([lambda spec=spec: reconciler.apply(spec) for spec in specs])
        figures = {
            "workspaces": count,
            "objects_each": len(objects),
            "create_median_s": round(created.median, 3),
            "create_worst_s": round(created.worst, 3),
            "create_requests_max": max(outcome.requests for outcome in outcomes),
            "objects_per_s": round(len(objects) * count / sum(created.seconds), 1),
            "kubectl_median_s": round(kubectl.median, 3),
            "times_faster_than_kubectl": round(kubectl.median / created.median, 2),
            "plain_objects_per_s": round(plain_rate(server.kubeconfig, objects, max(5, count // 4)), 1),
            "noop_median_s": round(again.median, 3),
            "noop_writes": sum(outcome.writes for outcome in compared),
            "noop_requests_max": max(outcome.requests for outcome in compared),
            **sweeping(reconciler, specs),
            **watching(world, reconciler, specs),
        }
        figures["rate_against_plain_apply"] = round(figures["objects_per_s"] / figures["plain_objects_per_s"], 2)
        reconciler.close()
        world.close()
        return figures


def plain_rate(kubeconfig: Path, objects: tuple[KubernetesObject, ...], count: int) -> float:
    """Objects a second by nothing but server-side apply, from eight threads over pooled connections."""
    from concurrent.futures import ThreadPoolExecutor

    kube = Kube.connect(kubeconfig, patience=Patience())
    started = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        for _ in range(count):
            first, *rest = copied(objects, f"ws-{some_slug('p')}--x")
            kube.apply(first)
            list(pool.map(kube.apply, rest))
    seconds = time.monotonic() - started
    kube.close()
    return len(objects) * count / seconds


def sweeping(reconciler: Reconciler, specs: list[WorkspaceSpec]) -> dict[str, Any]:
    """Comparing all of them at once."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    swept, (found,) = timed([lambda: reconciler.suspects(specs)])
    return {
        "sweep_all_s": round(swept.median, 2),
        "sweep_found": len(found),
        "sweep_memory_growth_mib": round((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024, 1),
    }


def watching(world: World, reconciler: Reconciler, specs: list[WorkspaceSpec]) -> dict[str, Any]:
    """How soon a drift is noticed and mended, and what watching costs."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    noticed = threading.Event()
    watched: dict[str, WorkspaceSpec] = {spec.namespace: spec for spec in specs}

    def on_drift(drift: Drift) -> None:
        if drift.namespace in watched:
            reconciler.apply(watched[drift.namespace])
            noticed.set()

    watcher = DriftWatcher(world.control_plane, on_drift)
    started = time.monotonic()
    watcher.start()
    watcher.wait_synced(120)
    synced = time.monotonic() - started
    seconds = []
    for spec in specs[:10]:
        noticed.clear()
        started = time.monotonic()
        world.admin.delete(resources.NETWORK_POLICY, spec.namespace, "default-deny")
        noticed.wait(30)
        seconds.append(time.monotonic() - started)
    watcher.stop()
    return {
        "watch_sync_s": round(synced, 2),
        "drift_mended_median_s": round(statistics.median(seconds), 2),
        "watch_memory_growth_mib": round((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024, 1),
    }


def main() -> int:
    """Prints the figures, one a line or as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20, help="workspaces to make (default 20)")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    figures = measure(max(1, arguments.count))
    if arguments.json:
        sys.stdout.write(json.dumps(figures) + "\n")
    else:
        width = max(len(name) for name in figures)
        sys.stdout.writelines(f"{name.ljust(width)}  {value}\n" for name, value in figures.items())
    return 0


if __name__ == "__main__":
    sys.exit(main())
