"""Static pods of a control plane: reading and replacing their manifests, restarting them, waiting until they run anew.

A manifest is moved into its folder whole, from a folder beside it: kubelet would take a second file in it for a pod.
"""

from __future__ import annotations

import json
import time
from typing import Any

import yaml

from infra.hosts.errors import CommandFailed, DeadlinePassed, HostError
from infra.hosts.kubeadm import CONFIG_DIR
from infra.hosts.transport import Transport

MANIFESTS = "/etc/kubernetes/manifests"
STAMP = "mlp.io/restarted"
"""Annotation whose change makes kubelet start a static pod anew."""
CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
RESTART_SECONDS = 240.0


def path_of(name: str) -> str:
    """Where the manifest is on the host."""
    return f"{MANIFESTS}/{name}.yaml"


def static_pod(transport: Transport, name: str) -> dict[str, Any]:
    """A static pod's manifest. Raises HostError where there is none."""
    content = transport.get(path_of(name))
    if content is None:
        raise HostError(f"host {transport.host} has no static pod {name}; run `platform up`, which makes it anew")
    found: dict[str, Any] = yaml.safe_load(content)
    return found


def replace_manifest(transport: Transport, name: str, content: bytes) -> None:
    """Puts a manifest in its place, whole."""
    prepared = f"{CONFIG_DIR}/{name}.manifest"
    transport.put(prepared, content)
    transport.run(["/bin/sh", "-c", 'mkdir -p "$1" && mv "$2" "$3"', "move", MANIFESTS, prepared, path_of(name)])


def restart(transport: Transport, name: str, stamp: str) -> None:
    """Lets kubelet start a static pod anew. With the same stamp nothing happens."""
    manifest = static_pod(transport, name)
    annotations = manifest["metadata"].setdefault("annotations", {})
    if annotations.get(STAMP) != stamp:
        annotations[STAMP] = stamp
        replace_manifest(transport, name, yaml.safe_dump(manifest, sort_keys=False).encode())


def wait_for_restart(transport: Transport, server: str, names: tuple[str, ...], stamp: str) -> None:
    """Waits until all of them run with this stamp, as the API server at `server` says. Raises DeadlinePassed."""
    deadline = time.monotonic() + RESTART_SECONDS
    while (waiting := _not_yet(transport, server, names, stamp)) is not None:
        if time.monotonic() > deadline:
            raise DeadlinePassed(f"{waiting} on {transport.host} did not start anew within {RESTART_SECONDS:.0f} s")
        time.sleep(1)


def _not_yet(transport: Transport, server: str, names: tuple[str, ...], stamp: str) -> str | None:
    pods = [f"{name}-{transport.host}" for name in names]
    argv = ["kubectl", f"--server={server}", "--request-timeout=10s", "get", "pods", "-n", "kube-system"]
    try:
        done = transport.run([*argv, "-l=tier=control-plane", "-o", "json"], timeout=30)
        found = {item["metadata"]["name"]: item for item in json.loads(done.text)["items"]}
    except (CommandFailed, DeadlinePassed, ValueError):
        return names[0]
    return next((pod for pod in pods if not _runs(found.get(pod, {}), stamp)), None)


def _runs(pod: dict[str, Any], stamp: str) -> bool:
    if pod.get("metadata", {}).get("annotations", {}).get(STAMP) != stamp:
        return False
    conditions = pod.get("status", {}).get("conditions", ())
    return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)
