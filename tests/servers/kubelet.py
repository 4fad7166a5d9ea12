"""Plays scheduler and node for a server without nodes: binds pods and reports them as a kubelet would.

The controllers are real, so a workload becomes ready the way it does on a cluster: by the status of its pods.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

from tests.servers.kubernetes import KubernetesRequestFailed, KubernetesServer

Obj = dict[str, Any]
NODE = "pretended-node"


def running(pod: Obj) -> Obj:
    """Status of a pod all of whose containers run."""
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "phase": "Running",
        "podIP": "10.244.0.9",
        "podIPs": [{"ip": "10.244.0.9"}],
        "conditions": [
            {"type": kind, "status": "True", "lastTransitionTime": now}
            for kind in ("PodScheduled", "Initialized", "ContainersReady", "Ready")
        ],
        "containerStatuses": [
            _container(each, ready=True, state={"running": {"startedAt": now}}) for each in pod["spec"]["containers"]
        ],
    }


def succeeded(pod: Obj) -> Obj:
    """Status of a pod whose containers ended well."""
    return {"phase": "Succeeded", "containerStatuses": [_ended(each, 0) for each in pod["spec"]["containers"]]}


def failed(pod: Obj) -> Obj:
    """Status of a pod whose containers ended badly."""
    return {"phase": "Failed", "containerStatuses": [_ended(each, 3) for each in pod["spec"]["containers"]]}


def image_missing(pod: Obj) -> Obj:
    """Status of a pod whose image can't be pulled."""
    state = {"waiting": {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "registry.test/none:1"'}}
    return {
        "phase": "Pending",
        "conditions": [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "False"}],
        "containerStatuses": [_container(each, ready=False, state=state) for each in pod["spec"]["containers"]],
    }


def _container(spec: Obj, *, ready: bool, state: Obj) -> Obj:
    return {
        "name": spec["name"],
        "image": spec["image"],
        "imageID": "",
        "ready": ready,
        "restartCount": 0,
        "state": state,
    }


def _ended(spec: Obj, code: int) -> Obj:
    reason = "Completed" if code == 0 else "Error"
    return _container(spec, ready=False, state={"terminated": {"exitCode": code, "reason": reason}})


class Kubelet:
    """A node that reports every pod of a namespace (None: of all) with `report`; `None` leaves pods alone."""

    def __init__(self, server: KubernetesServer, namespace: str | None) -> None:
        self._server = server
        self._pods = f"/api/v1/namespaces/{namespace}/pods" if namespace else "/api/v1/pods"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._reported: dict[str, Callable[[Obj], Obj]] = {}
        self.report: Callable[[Obj], Obj] | None = None
        """Set it to begin; jobs' pods are reported as succeeded where this is `running`."""

    def __enter__(self) -> Kubelet:
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}}
        try:
            self._server.request("POST", "/api/v1/nodes", node)
        except KubernetesRequestFailed as error:
            if error.status != 409:
                raise
        # The API server taints a new node as not ready, and nobody else is there to take that off.
        taints = {"spec": {"taints": None}}
        self._server.request("PATCH", f"/api/v1/nodes/{NODE}", taints, content_type="application/merge-patch+json")
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.1):
            report = self.report
            if report is not None:
                for pod in self._server.request("GET", self._pods)["items"]:
                    self._handle(pod, report)

    def _handle(self, pod: Obj, report: Callable[[Obj], Obj]) -> None:
        name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
        path = f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{name}"
        owners = pod["metadata"].get("ownerReferences") or [{}]
        if report is running and owners[0].get("kind") == "Job":
            report = succeeded
        try:
            if pod["metadata"].get("deletionTimestamp"):
                self._server.request("DELETE", path, {"gracePeriodSeconds": 0})
                return
            if self._reported.get(uid) is report:
                return
            if not pod["spec"].get("nodeName"):
                binding = {
                    "apiVersion": "v1",
                    "kind": "Binding",
                    "metadata": {"name": name},
                    "target": {"kind": "Node", "name": NODE},
                }
                self._server.request("POST", path + "/binding", binding)
            status = {"status": report(pod)}
            self._server.request("PATCH", path + "/status", status, content_type="application/merge-patch+json")
            self._reported[uid] = report
        except KubernetesRequestFailed as error:
            # The controllers may have changed or removed the pod in between; the next round sees it anew.
            if error.status not in {404, 409}:
                raise
