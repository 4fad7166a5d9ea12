"""The stage of `platform verify`: two fresh tenants with a workspace each, and pods that run in them.

Pods are created as a member of their tenant, so that what they prove is what members can do by themselves.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from components.facts import PlatformFacts
from components.gateway.names import KUBERNETES_PATH
from components.names import LABEL_NAME, Role, component_namespace, workspace_namespace
from components.storage.objects import TRACKING_BUCKET
from components.tracking.workspace import CONFIG_MAP, FOLDER, WORKLOAD_SERVICE_ACCOUNT, workload_volume
from infra.api.client import Access, Client, Refused
from infra.api.login import new_token
from infra.kubectl import Kubectl, Person, person, short, until

WORKSPACE = "one"
STORAGE = "storage"
"""ConfigMap with the endpoint and Secret with the keys of a workspace's bucket."""
_PODS = Path(__file__).with_name("pods")
_POD_SECONDS = 180


@dataclass(frozen=True)
class Place:
    """One tenant of the story with its workspace."""

    tenant: str

    @property
    def namespace(self) -> str:
        return workspace_namespace(self.tenant, WORKSPACE)

    def person(self, role: Role = Role.MEMBER) -> Person:
        return person(self.tenant, role)


class Story:
    """What the checks share. `a` and `b` are the two tenants."""

    name = "verify"
    """Tenants' names begin with it; the local account of A's member has it, disabled but for the time of the checks."""
    quota: Mapping[str, Any] = {"cpu": "2", "memory": "4Gi", "storage": "2Gi", "pods": 10}

    features: tuple[str, ...] = ()
    """Of the workspaces."""

    def __init__(self, api: Client, kubectl: Kubectl, facts: PlatformFacts) -> None:
        self.api = api
        self.kubectl = kubectl
        self.facts = facts
        self.token = secrets.token_hex(3)
        self.member = ""
        self.logged: dict[str, Any] = {}
        """The run that A logged: run, experiment, version, uri."""
        self.password = secrets.token_urlsafe(24)
        """Of the local account."""
        self.a = Place(f"{self.name}-{self.token}-a")
        self.b = Place(f"{self.name}-{self.token}-b")
        self.places: tuple[Place, ...] = (self.a, self.b)
        """Those that are made and removed."""

    def open(self) -> float:
        """Makes the tenants and workspaces. Seconds that the slowest workspace took to be ready."""
        slowest = 0.0
        for place in self.places:
            self.api.post("/tenants", {"slug": place.tenant, "quota": self.quota})
            began = time.monotonic()
            wanted = {"name": WORKSPACE, "quota": self.quota, "features": list(self.features)}
            change = self.api.post(f"/tenants/{place.tenant}/workspaces", wanted)
            operation = self.api.wait(change["operation"], 60, every=0.02)
            if operation["state"] != "succeeded":
                raise AssertionError(f"workspace of {place.tenant} is {operation['state']}: {operation['message']}")
            slowest = max(slowest, time.monotonic() - began)
        return slowest

    def close(self) -> None:
        """Disables the account, deletes the tenants and waits until their namespaces are gone."""
        if self.member:
            self.person_api.close()
            self.api.patch(f"/accounts/{self.name}", {"disabled": True})
        for place in self.places:
            operation = self.api.delete(f"/tenants/{place.tenant}")
            ended = self.api.wait(operation["id"], 180)
            if ended["state"] != "succeeded":
                raise AssertionError(f"tenant {place.tenant} is still there: {ended['message'] or ended['state']}")

    def run(
        self, place: Place, name: str, script: str, env: Mapping[str, str] | None = None, *, storage: bool = False
    ) -> dict[str, Any]:
        """Runs a script of infra/verify/pods in a pod of the workspace; its last line of output is a JSON document.

        `storage` gives it the workspace's S3 keys. Raises AssertionError with the end of the log when it fails.
        """
        code = (_PODS / f"{script}.py").read_text("utf-8")
        pod = self.pod(place, name, ("python3", "-c", code), env)
        if storage:
            pod["spec"]["containers"][0]["envFrom"] += [
                {"configMapRef": {"name": STORAGE}},
                {"secretRef": {"name": STORAGE}},
            ]
        self.kubectl.create(pod, place.person())
        phase = until(f"pod {name} in {place.namespace}", _POD_SECONDS, lambda: self._ended(place, name))
        log = self.kubectl.run("logs", name, f"--namespace={place.namespace}", who=place.person())
        self.kubectl.run(
            "delete", "pod", name, f"--namespace={place.namespace}", "--wait=false", "--grace-period=0", "--force",
            who=place.person(),
        )  # fmt: skip
        if phase != "Succeeded":
            raise AssertionError(f"pod {name} {phase.lower()}: {short(log[-600:])}")
        answer: dict[str, Any] = json.loads(log.strip().splitlines()[-1])
        return answer

    def _ended(self, place: Place, name: str) -> str | None:
        status = self.kubectl.get("pod", name, place.namespace)["status"]
        for container in status.get("containerStatuses", []):
            waiting = container.get("state", {}).get("waiting", {})
            if waiting.get("reason") in ("ErrImageNeverPull", "ImagePullBackOff", "CreateContainerConfigError"):
                raise AssertionError(f"pod {name}: {waiting['reason']}: {waiting.get('message', '')}")
        return status["phase"] if status["phase"] in ("Succeeded", "Failed") else None

    def pod(
        self, place: Place, name: str, command: tuple[str, ...], env: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """A pod as the welcome page tells members to write it: restricted, with the workspace's identity."""
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": place.namespace, "labels": {"app": name}},
            "spec": {
                "serviceAccountName": WORKLOAD_SERVICE_ACCOUNT,
                "automountServiceAccountToken": False,
                "restartPolicy": "Never",
                "terminationGracePeriodSeconds": 1,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 65532,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [
                    {
                        "name": "main",
                        "image": self.facts.workspace_image,
                        "command": list(command),
                        "env": [{"name": key, "value": value} for key, value in (env or {}).items()],
                        "envFrom": [{"configMapRef": {"name": CONFIG_MAP}}],
                        "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "1Gi"}},
                        "securityContext": {
                            "allowPrivilegeEscalation": False,
                            "capabilities": {"drop": ["ALL"]},
                        },
                        "volumeMounts": [
                            {"name": "mlp", "mountPath": FOLDER, "readOnly": True},
                            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - inside the pod
                        ],
                    }
                ],
                "volumes": [
                    workload_volume(),
                    {"name": "tmp", "emptyDir": {}},
                ],
            },
        }

    @cached_property
    def server(self) -> str:
        """Address of a pod in A that listens on port 8080 and answers anyone who reaches it."""
        name = "listener"
        pod = self.pod(self.a, name, ("python3", "-m", "http.server", "8080", "--directory", "/tmp"))  # noqa: S108
        pod["spec"]["containers"][0]["readinessProbe"] = {"tcpSocket": {"port": 8080}, "periodSeconds": 1}
        self.kubectl.create(pod, self.a.person())

        def address() -> str | None:
            status = self.kubectl.get("pod", name, self.a.namespace)["status"]
            ready = any(container["ready"] for container in status.get("containerStatuses", []))
            return str(status["podIP"]) if ready else None

        return until("the listening pod of A", _POD_SECONDS, address)

    @cached_property
    def node_address(self) -> str:
        """Address of the node that A's listener runs on."""
        _ = self.server
        return str(self.kubectl.get("pod", "listener", self.a.namespace)["status"]["hostIP"])

    def pod_address(self, component: str) -> str:
        """Address of a running pod of a platform component."""
        pods = self.kubectl.list("pods", component_namespace(component), f"{LABEL_NAME}={component}")
        running = [pod["status"]["podIP"] for pod in pods if pod["status"]["phase"] == "Running"]
        if not running:
            raise AssertionError(f"no pod of {component} runs")
        return str(running[0])

    def bucket(self, place: Place) -> str:
        """The workspace's bucket has the name of its namespace."""
        return place.namespace

    artifact_bucket = TRACKING_BUCKET
    """Where MLflow keeps artifacts; only its own user may read it."""

    @cached_property
    def person_api(self) -> Client:
        """A person who is a member of A and of nothing else, signed in at the gateway."""
        try:
            self.api.post("/accounts", {"name": self.name, "password": self.password})
        except Refused as error:
            if error.status != 409:
                raise
            self.api.patch(f"/accounts/{self.name}", {"password": self.password, "disabled": False})
        path = f"/tenants/{self.a.tenant}/members"
        self.member = str(self.api.post(path, {"subject": self.name, "role": Role.MEMBER.value})["id"])
        access = self.api.access
        return Client(Access(access.url, new_token(access, self.name, self.password), access.ca))

    def leave(self) -> None:
        """Takes the person out of A."""
        self.api.delete(f"/tenants/{self.a.tenant}/members/{self.member}")

    def mlflow(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        """What MLflow's API, which its UI uses too, answers that person about A's workspace."""
        headers = {"X-MLFLOW-WORKSPACE": self.a.namespace}
        answer: dict[str, Any] = self.person_api.outside(f"/mlflow{path}", query, headers)
        return answer

    def kubernetes(self, path: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """What the Kubernetes API answers that person through the gateway."""
        answer: dict[str, Any] = self.person_api.outside(f"{KUBERNETES_PATH}{path}", {}, headers or {})
        return answer

    def mlflow_post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The same for a question that is asked with a body."""
        headers = {"X-MLFLOW-WORKSPACE": self.a.namespace}
        answer: dict[str, Any] = self.person_api.outside_post(f"/mlflow{path}", dict(body), headers)
        return answer
