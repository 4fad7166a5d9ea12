"""An `up` in a process of its own, to be interrupted.

Usage: `python -m tests.contract.engine.driver HOME KUBECONFIG NAMESPACE`

Prints one JSON line per event, then `{"ended": <error class or "done">}`.
"""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any

import pulumi

from components.resource import register
from infra.engine.engine import Engine
from infra.engine.errors import EngineError
from infra.engine.model import Event, Plugin
from infra.providers.kubernetes import PLUGIN_NAME, PLUGIN_VERSION
from infra.stacks.objects import KubernetesProvider
from tests.servers.binaries import find

STACK = "components"


def engine(home: Path) -> Engine:
    plugin = Plugin(PLUGIN_NAME, PLUGIN_VERSION, (sys.executable, "-m", "infra.providers.kubernetes"))
    return Engine(home, find("pulumi"), plugins=[plugin])


def program(kubeconfig: str, namespace: str) -> Any:
    """A ConfigMap that is made at once, and two Deployments that never become ready; one has a generated name."""

    def workload(name: str | None) -> dict[str, Any]:
        labels = {"app": name or "generated"}
        metadata = {"namespace": namespace} | ({"name": name} if name else {})
        template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "none"}]}}
        spec = {"selector": {"matchLabels": labels}, "template": template}
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}

    def run() -> None:
        options = pulumi.ResourceOptions(
            provider=KubernetesProvider("cluster", kubeconfig=kubeconfig, cluster="test", patience=2)
        )
        settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": namespace}}
        register("settings", settings, options)
        register("fixed", workload("fixed"), options)
        register("generated", workload(None), options)

    return run


def say(line: dict[str, str]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def main() -> None:
    # A shell that runs the tests in the background has its children ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    home, kubeconfig, namespace = sys.argv[1:]

    def show(event: Event) -> None:
        name = event.resource.name if event.resource else ""
        say({"kind": event.kind, "name": name, "text": event.text})

    try:
        engine(Path(home)).up(STACK, program(kubeconfig, namespace), on_event=show)
        ended = "done"
    except EngineError as error:
        ended = type(error).__name__
    say({"ended": ended})


if __name__ == "__main__":
    main()
