"""Things of workspaces on a real API server: their kinds are served, tests write the status that controllers would."""

from __future__ import annotations

from functools import partial
from typing import Any

from components.contract import KubernetesObject
from controlplane.kube.client import Kube
from controlplane.kube.errors import AlreadyExists, Forbidden
from controlplane.kube.resources import Resource
from tests.contract.reconcile.world import World, served, until
from tests.servers.kinds import definitions

CRD = Resource(
    "apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions", namespaced=False
)  # fmt: skip
IMAGE = "registry.mlp.local/workspace:1"
CONTAINER = {
    "name": "main",
    "image": IMAGE,
    "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": "100m", "memory": "64Mi"}},
    "securityContext": {
        "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": True, "runAsUser": 1000,
        "seccompProfile": {"type": "RuntimeDefault"},
    },
}  # fmt: skip
TEMPLATE = {"spec": {"restartPolicy": "Never", "automountServiceAccountToken": False, "containers": [CONTAINER]}}


def install_kinds(world: World) -> None:
    """Once per server; other tests of the run do not mind them."""
    for definition in definitions():
        try:
            world.admin.create(definition)
        except AlreadyExists:
            continue
    for definition in definitions():
        there = world.admin.get(CRD, None, definition["metadata"]["name"])["spec"]  # other tests may have made another
        for version in there["versions"]:
            if version["served"]:
                api, kind = f"{there['group']}/{version['name']}", there["names"]["kind"]
                until(f"{kind} in {api} is served", partial(served, world.admin, api, kind))


class Things:
    """Makes things in one namespace as a cluster's administrator, and says what their controllers would."""

    def __init__(self, kube: Kube, namespace: str) -> None:
        self.kube = kube
        self.namespace = namespace

    def make(self, api_version: str, kind: str, name: str, status: Any = None, **rest: Any) -> KubernetesObject:
        """Gives the object as the server has it. `metadata` beside the name goes into `meta`."""
        meta = rest.pop("meta", {})
        body = {
            "apiVersion": api_version, "kind": kind, **rest,
            "metadata": {"name": name, "namespace": self.namespace, **meta},
        }  # fmt: skip
        resource = self.kube.resource(api_version, kind)
        key = f"count/{resource.plural}.{resource.group}"
        made: list[KubernetesObject] = []

        def create() -> bool:
            self.count(key)
            try:
                made.append(self.kube.create(body))
            except Forbidden as refused:
                if "status unknown for quota" not in str(refused):  # admission reads quotas a moment late
                    raise
            return bool(made)

        until(f"{kind} {name} is made", create)
        return self.say(api_version, kind, name, status) if status is not None else made[0]

    def count(self, key: str) -> None:
        """Begins a limit at none used, as the quota's controller does once it has heard of a new kind (in minutes)."""
        path = f"/api/v1/namespaces/{self.namespace}/resourcequotas"
        for quota in self.kube.transport.request("GET", path, counter=self.kube.counter)["items"]:
            if key in quota["spec"]["hard"] and key not in quota.get("status", {}).get("used", {}):
                self.kube.transport.request(
                    "PATCH", f"{path}/{quota['metadata']['name']}/status", counter=self.kube.counter,
                    body={"status": {"hard": {key: quota["spec"]["hard"][key]}, "used": {key: "0"}}},
                    headers={"Content-Type": "application/merge-patch+json"},
                )  # fmt: skip

    def say(self, api_version: str, kind: str, name: str, status: Any) -> KubernetesObject:
        """The status, as the kind's controller writes it; some kinds keep it without a subresource."""
        path = self.kube.resource(api_version, kind).path(self.namespace, name)
        whole = kind in ("Workflow", "CronWorkflow", "WorkflowTemplate")
        return self.kube.transport.request(
            "PATCH", path if whole else f"{path}/status", counter=self.kube.counter, body={"status": status},
            headers={"Content-Type": "application/merge-patch+json"},
        )  # fmt: skip

    def get(self, api_version: str, kind: str, name: str) -> KubernetesObject:
        return self.kube.get(self.kube.resource(api_version, kind), self.namespace, name)

    def job(self, name: str, **spec: Any) -> KubernetesObject:
        return self.make("batch/v1", "Job", name, spec={"template": TEMPLATE, "backoffLimit": 0, **spec})

    def tfjob(self, name: str, status: Any = None) -> KubernetesObject:
        worker = {"replicas": 2, "restartPolicy": "Never", "template": TEMPLATE}
        spec = {"tfReplicaSpecs": {"Worker": worker}}
        return self.make("kubeflow.org/v1", "TFJob", name, status, spec=spec)

    def trainjob(self, name: str, status: Any = None, **spec: Any) -> KubernetesObject:
        reference = {"apiGroup": "trainer.kubeflow.org", "kind": "ClusterTrainingRuntime", "name": "tensorflow"}
        spec = {"runtimeRef": reference, **spec}
        return self.make("trainer.kubeflow.org/v1alpha1", "TrainJob", name, status, spec=spec)

    def pod(self, name: str, labels: dict[str, str], status: Any = None) -> KubernetesObject:
        return self.make("v1", "Pod", name, status, spec=TEMPLATE["spec"], meta={"labels": labels})

    def workload(self, job: KubernetesObject, conditions: list[dict[str, str]], **spec: Any) -> KubernetesObject:
        """The queue's view of a job, as Kueue makes it."""
        meta = job["metadata"]
        owner = {
            "apiVersion": job["apiVersion"], "kind": job["kind"], "name": meta["name"], "uid": meta["uid"],
            "controller": True,
        }  # fmt: skip
        name = f"{job['kind'].lower()}-{meta['name']}"
        sets = [{"name": "main", "count": 1, "template": TEMPLATE}]
        return self.make(
            "kueue.x-k8s.io/v1beta2", "Workload", name, {"conditions": conditions},
            spec={"queueName": "default", "podSets": sets, **spec},
            meta={"ownerReferences": [owner], "labels": {"kueue.x-k8s.io/job-uid": meta["uid"]}},
        )  # fmt: skip


def condition(kind: str, status: str, reason: str, message: str = "") -> dict[str, str]:
    return {
        "type": kind, "status": status, "reason": reason, "message": message,
        "lastTransitionTime": "2026-01-02T03:04:05Z",
    }  # fmt: skip
