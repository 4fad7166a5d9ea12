"""Nodes of a cluster: joining, waiting, leaving. By any transport; every function may be repeated."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from typing import Any

from infra.hosts import kubeadm
from infra.hosts.controlplane import kubectl, kubelet_says, reset_node, restart_service, wait_for_api
from infra.hosts.errors import CommandFailed, DeadlinePassed, HostError, complaints
from infra.hosts.kubeadm import API_PORT, NodeSettings, yaml_of
from infra.hosts.transport import Transport

JOIN_FILE = f"{kubeadm.CONFIG_DIR}/kubeadm-join.yaml"
DISCOVERY_FILE = f"{kubeadm.CONFIG_DIR}/discovery.conf"
MARK = f"{kubeadm.CONFIG_DIR}/joined.json"
TOKEN_LIFE = "10m"  # noqa: S105 - a duration
JOIN_SECONDS = 180.0
READY_SECONDS = 120.0


def discovery(server: str, ca_data: str, token: str) -> dict[str, Any]:
    """A kubeconfig that trusts the cluster's CA and presents a bootstrap token."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "join", "cluster": {"server": server, "certificate-authority-data": ca_data}}],
        "users": [{"name": "join", "user": {"token": token}}],
        "contexts": [{"name": "join", "context": {"cluster": "join", "user": "join"}}],
        "current-context": "join",
    }


def joined(node: Transport, address: str) -> bool:
    """Whether the host belongs to the cluster whose control plane is at this address."""
    mark = node.get(MARK)
    return mark is not None and json.loads(mark).get("controlPlane") == address


@contextlib.contextmanager
def token(control_plane: Transport) -> Iterator[str]:
    """A token that hosts may join with, for as long as the block runs."""
    wait_for_api(control_plane)
    created = control_plane.run(["kubeadm", "token", "create", f"--ttl={TOKEN_LIFE}"], timeout=60)
    secret = created.text.strip().splitlines()[-1]
    try:
        yield secret
    finally:
        with contextlib.suppress(CommandFailed, DeadlinePassed):  # it expires by itself
            control_plane.run(["kubeadm", "token", "delete", secret.partition(".")[0]], timeout=60)


def join(control_plane: Transport, address: str, ca_data: str, node: Transport, settings: NodeSettings) -> None:
    """Makes the host a node, or finds it one. The token is made for this join and deleted after it.

    `address` is the control plane's, `ca_data` its CA certificate in base64.
    """
    if joined(node, address):
        return
    if node.get(JOIN_FILE) is not None:
        reset(node)
    try:
        with token(control_plane) as secret:
            server = f"https://{address}:{API_PORT}"
            node.put(DISCOVERY_FILE, yaml_of(discovery(server, ca_data, secret)))
            node.put(JOIN_FILE, yaml_of(kubeadm.join_configuration(settings, DISCOVERY_FILE)))
            node.run(["kubeadm", "join", f"--config={JOIN_FILE}"], timeout=JOIN_SECONDS)
    except CommandFailed as error:
        said = complaints(error.output)
        raise HostError(f"kubeadm join on {node.host} failed: {said}\n{kubelet_says(node)}") from error
    except DeadlinePassed as error:
        raise HostError(f"{error}\n{kubelet_says(node)}") from error
    finally:
        node.run(["rm", "-f", DISCOVERY_FILE], check=False)
    node.put(MARK, json.dumps({"controlPlane": address}).encode())


def reset(node: Transport) -> None:
    """Takes the host out of its cluster as far as the host itself goes."""
    reset_node(node)
    node.run(["rm", "-f", MARK, JOIN_FILE], check=False)
    restart_service(node, "kubelet")


def conditions(control_plane: Transport, name: str) -> dict[str, tuple[str, str]] | None:
    """Condition type → (status, message) of a node, or None where the cluster has no such node."""
    done = control_plane.run(
        ["kubectl", "--request-timeout=10s", "get", "node", name, "-o", "json", "--ignore-not-found"], timeout=30
    )
    if not done.text.strip():
        return None
    found = json.loads(done.text)["status"].get("conditions", [])
    return {item["type"]: (item["status"], item.get("message", "")) for item in found}


def blocker(found: dict[str, tuple[str, str]] | None) -> str | None:
    """Why a node cannot take pods yet, or None. A missing pod network does not count: a component brings it later."""
    if found is None:
        return "it has not registered"
    status, message = found.get("Ready", ("Unknown", "kubelet has not reported"))
    if status == "True" or "NetworkPluginNotReady" in message or "cni plugin not initialized" in message:
        return None
    return message or "it is not ready and gives no reason"


def wait_for_node(control_plane: Transport, node: Transport, name: str, seconds: float = READY_SECONDS) -> None:
    """Waits until kubelet has registered the node and nothing but the pod network is missing."""
    deadline = time.monotonic() + seconds
    while (reason := _waiting_for(control_plane, name)) is not None:
        if time.monotonic() > deadline:
            raise DeadlinePassed(f"node {name} is not ready after {seconds:.0f} s: {reason}. {kubelet_says(node)}")
        time.sleep(0.5)


def _waiting_for(control_plane: Transport, name: str) -> str | None:
    try:
        return blocker(conditions(control_plane, name))
    except (CommandFailed, DeadlinePassed) as error:
        return f"the API server does not say: {error}"


def set_taint(control_plane: Transport, name: str, key: str, wanted: bool) -> None:
    """Puts a NoSchedule taint on a node or takes it off; changes nothing where it is so."""
    taints = json.loads(kubectl(control_plane, "get", "node", name, "-o", "json"))["spec"].get("taints", [])
    present = any(taint["key"] == key and taint["effect"] == "NoSchedule" for taint in taints)
    if present != wanted:
        kubectl(control_plane, "taint", "node", name, f"{key}:NoSchedule{'' if wanted else '-'}")


def drain(control_plane: Transport, name: str, seconds: float = 90) -> None:
    """Moves the node's pods elsewhere as far as they go in time; those that do not are lost with the node."""
    with contextlib.suppress(CommandFailed, DeadlinePassed):
        kubectl(
            control_plane,
            "drain",
            name,
            "--ignore-daemonsets",
            "--delete-emptydir-data",
            "--force",
            f"--timeout={seconds:.0f}s",
            timeout=seconds + 30,
        )


def abandon(control_plane: Transport, name: str) -> None:
    """Takes a node out of the cluster whose host is no more. Its pods cannot end there, so they start elsewhere now.

    Not for a host that may still run: its pods would run twice.
    """
    if conditions(control_plane, name) is None:
        return
    there = ("delete", "pods", "--all-namespaces", f"--field-selector=spec.nodeName={name}")
    kubectl(control_plane, "cordon", name)
    kubectl(control_plane, *there, "--force", "--grace-period=0", "--wait=false")
    kubectl(control_plane, "delete", "node", name, "--ignore-not-found", "--timeout=30s")


def leave(control_plane: Transport, name: str, seconds: float = 90) -> None:
    """Drains the node and takes it out of the cluster."""
    if conditions(control_plane, name) is None:
        return
    drain(control_plane, name, seconds)
    kubectl(control_plane, "delete", "node", name, "--ignore-not-found", "--timeout=30s")
