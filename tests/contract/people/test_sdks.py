"""Kubernetes SDKs in a member's hands: they make, list, wait for and delete their objects through the gateway.

No controller runs here; the tests write the status that one would. `make sdks` runs the SDKs where pods run.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest

from components.catalog import component
from components.training.settings import TrainingSettings
from tests.contract.controlplane.contents import Things, condition, install_kinds
from tests.contract.people.conftest import Front
from tests.contract.people.desk import Desk
from tests.contract.reconcile.world import served, until
from tests.e2e.sdks.desk import python
from tests.servers.gateway import program
from tests.servers.installs import install

pytestmark = [
    pytest.mark.contract,
    pytest.mark.timeout(600),
    pytest.mark.skipif(program() is None, reason="nginx is missing: `platform tools --for tests` unpacks it"),
]
TRAINER, KATIB, ARGO, KSERVE = (
    "trainer.kubeflow.org/v1alpha1", "kubeflow.org/v1beta1", "argoproj.io/v1alpha1", "serving.kserve.io/v1beta1",
)  # fmt: skip
KINDS = (
    (TRAINER, "TrainJob"), (TRAINER, "TrainingRuntime"), (TRAINER, "ClusterTrainingRuntime"), (KATIB, "Experiment"),
    (KATIB, "Trial"), (ARGO, "Workflow"), (KSERVE, "InferenceService"),
)  # fmt: skip
SAYS = "SAYS "
_TRAINER = """
import logging
from kubeflow.trainer import CustomTrainer, TrainerClient

def train():
    print("trained")

logging.basicConfig(level=logging.WARNING)
client = TrainerClient()
job = client.train(
    runtime=client.get_runtime("mlp-cpu"),
    trainer=CustomTrainer(func=train, num_nodes=2, resources_per_node={"cpu": "100m", "memory": "64Mi"}),
)
done = client.wait_for_job_status(job, timeout=60, polling_interval=1)
says(status=done.status, nodes=done.num_nodes, runtimes=[each.name for each in client.list_runtimes()],
     listed=job in [each.name for each in client.list_jobs()], events=len(client.get_job_events(job)),
     log=list(client.get_job_logs(job)))
client.delete_job(job)
"""
_OPTIMIZER = """
from kubeflow.optimizer import Objective, OptimizerClient, Search, TrialConfig
from kubeflow.trainer import CustomTrainer, TrainJobTemplate

def train(rate):
    print(f"loss={rate}")

client = OptimizerClient()
job = client.optimize(
    trial_template=TrainJobTemplate(runtime="mlp-cpu", trainer=CustomTrainer(func=train)),
    trial_config=TrialConfig(num_trials=3, parallel_trials=2),
    objectives=[Objective(metric="loss")],
    search_space={"rate": Search.uniform(0.01, 0.1)},
)
done = client.wait_for_job_status(job, timeout=60, polling_interval=1)
says(status=done.status, listed=job in [each.name for each in client.list_jobs()], trials=len(done.trials))
client.delete_job(job)
"""
_KATIB = """
from kubeflow import katib

def objective(parameters):
    print(f"result={parameters['a']}")

client = katib.KatibClient(namespace=NAMESPACE)
client.tune(
    name="tune", objective=objective, parameters={"a": katib.search.int(min=10, max=20)}, base_image="image",
    objective_metric_name="result", max_trial_count=3, resources_per_trial={"cpu": "100m"},
)
client.wait_for_experiment_condition(name="tune", timeout=60, polling_interval=1)
best = client.get_optimal_hyperparameters("tune")
says(best={each.name: each.value for each in best.parameter_assignments}, trials=len(client.list_trials("tune")),
     listed=[each.metadata.name for each in client.list_experiments()])
client.delete_experiment("tune")
"""
_HERA = """
import time
from hera.workflows import Steps, Workflow, script
from kubernetes import client, config

@script(image="image")
def echo(message: str):
    print(message)

with Workflow(generate_name="hello-", entrypoint="main", namespace=NAMESPACE) as workflow:
    with Steps(name="main"):
        echo(arguments={"message": "hello"})

config.load_kube_config()
kind = ("argoproj.io", "v1alpha1", NAMESPACE, "workflows")
objects = client.CustomObjectsApi()
name = objects.create_namespaced_custom_object(*kind, workflow.to_dict())["metadata"]["name"]
while not (phase := objects.get_namespaced_custom_object(*kind, name).get("status", {}).get("phase")):
    time.sleep(0.2)
says(phase=phase)
objects.delete_namespaced_custom_object(*kind, name)
"""
_KSERVE = """
from kserve import (KServeClient, V1beta1InferenceService, V1beta1InferenceServiceSpec, V1beta1ModelFormat,
                    V1beta1ModelSpec, V1beta1PredictorSpec, constants)
from kubernetes.client import V1ObjectMeta

model = V1beta1ModelSpec(model_format=V1beta1ModelFormat(name="mlflow"), storage_uri="models:/iris@champion")
service = V1beta1InferenceService(
    api_version=constants.KSERVE_V1BETA1, kind=constants.KSERVE_KIND_INFERENCESERVICE,
    metadata=V1ObjectMeta(name="iris", namespace=NAMESPACE),
    spec=V1beta1InferenceServiceSpec(predictor=V1beta1PredictorSpec(model=model)),
)
client = KServeClient()
client.create(service)
client.wait_isvc_ready("iris", namespace=NAMESPACE, watch=True, timeout_seconds=60)
client.wait_isvc_ready("iris", namespace=NAMESPACE, timeout_seconds=10, polling_interval=1)
says(url=client.get("iris", namespace=NAMESPACE)["status"]["url"],
     listed=[each["metadata"]["name"] for each in client.get(namespace=NAMESPACE)["items"]])
client.delete("iris", namespace=NAMESPACE)
"""
_READY = condition("Ready", "True", "Ready", "all is well")
_ENDED = condition("Succeeded", "True", "ExperimentGoalReached", "the goal is reached")
_BEST = {
    "bestTrialName": "tune-1", "parameterAssignments": [{"name": "a", "value": "20"}],
    "observation": {"metrics": [{"name": "result", "latest": "20", "min": "20", "max": "20"}]},
}  # fmt: skip


@pytest.fixture
def things(front: Front) -> Things:
    """The workspace's kinds, the runtimes that people may read, and quotas that are counted."""
    admin = front.world.admin
    install_kinds(front.world)
    for obj in component("training").objects(TrainingSettings(), install()):
        if obj["kind"] == "CustomResourceDefinition" and "trainingruntimes" not in obj["spec"]["names"]["plural"]:
            continue
        if obj["kind"] in ("CustomResourceDefinition", "Namespace", "ConfigMap", "Role", "RoleBinding",
                           "ClusterRole", "ClusterRoleBinding"):  # fmt: skip
            admin.apply(obj)
    for api, kind in KINDS:
        until(f"{kind} is served", partial(served, admin, api, kind))
    for obj in component("training").objects(TrainingSettings(), install()):
        if obj["kind"] == "ClusterTrainingRuntime":
            admin.apply(obj)
    _count(front)
    return Things(admin, front.namespace)


def _count(front: Front) -> None:
    """Begins every limit at none used, as the quotas' controller does."""
    path = f"/api/v1/namespaces/{front.namespace}/resourcequotas"
    for quota in front.world.server.request("GET", path)["items"]:
        hard = quota["spec"]["hard"]
        used = dict.fromkeys(hard, "0") | quota.get("status", {}).get("used", {})
        front.world.admin.transport.request(
            "PATCH", f"{path}/{quota['metadata']['name']}/status", counter=front.world.admin.counter,
            body={"status": {"hard": hard, "used": used}}, headers={"Content-Type": "application/merge-patch+json"},
        )  # fmt: skip


def _run(
    desk: Desk, front: Front, sdk: str, code: str, act: Callable[[subprocess.Popen[str]], object], **environment: str
) -> tuple[dict[str, Any], str]:
    """What the program says while `act` plays the controller, and what else it wrote."""
    config, _ = desk.kubeconfig("--workspace", f"{front.tenant}/lab")
    path = desk.folder / "program.py"
    begin = f"import json\nNAMESPACE = {front.namespace!r}\n"
    says = f"\ndef says(**what):\n    print({SAYS!r} + json.dumps(what, default=str), flush=True)\n"
    path.write_text(begin + says + code)
    own = {name: value for name, value in desk.environment.items() if name != "PYTHONPATH"}
    started = subprocess.Popen(
        [str(python(sdk)), str(path)], env={**own, "KUBECONFIG": str(config), **environment},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        act(started)
        out, err = started.communicate(timeout=180)
    finally:
        started.kill()
    assert started.returncode == 0, f"{out}\n{err}"
    (line,) = (line for line in out.splitlines() if line.startswith(SAYS))
    said: dict[str, Any] = json.loads(line.removeprefix(SAYS))
    return said, err


def _play(
    started: subprocess.Popen[str], front: Front, things: Things, api: str, kind: str, status: Mapping[str, Any]
) -> dict[str, Any]:
    """Writes the status of the first object of the kind that appears; the object as it was made."""
    path = things.kube.resource(api, kind).path(front.namespace)
    found: list[dict[str, Any]] = []

    def seen() -> bool:
        found.extend(front.world.server.request("GET", path)["items"])
        return bool(found) or started.poll() is not None

    until(f"a {kind} is made", seen, 120)
    assert found, started.communicate()
    things.say(api, kind, found[0]["metadata"]["name"], dict(status))
    return found[0]


def _left(front: Front, things: Things, api: str, kind: str) -> list[Any]:
    return front.world.server.request("GET", things.kube.resource(api, kind).path(front.namespace))["items"]  # type: ignore[no-any-return]


def test_trainer_client(front: Front, desk: Desk, things: Things) -> None:
    api, kind = TRAINER, "TrainJob"
    made: list[dict[str, Any]] = []
    said, err = _run(
        desk, front, "kubeflow", _TRAINER,
        lambda p: made.append(
            _play(p, front, things, api, kind, {"conditions": [condition("Complete", "True", "JobsCompleted", "done")]})
        ),
        KUBEFLOW_SYSTEM_NAMESPACE="mlp-training",
    )  # fmt: skip
    assert said == {
        "status": "Complete", "nodes": 2, "runtimes": ["mlp-cpu"], "listed": True, "events": 0, "log": [],
    }  # fmt: skip
    assert "version info is not available" not in err
    trainer = made[0]["spec"]["trainer"]
    assert made[0]["spec"]["runtimeRef"]["name"] == "mlp-cpu"
    assert trainer["command"][:2] == ["bash", "-c"]
    assert 'print("trained")' in trainer["command"][2]
    assert _left(front, things, api, kind) == []


def test_trainer_client_without_its_version_only_warns(front: Front, desk: Desk, things: Things) -> None:
    said, err = _run(
        desk, front, "kubeflow",
        "from kubeflow.trainer import TrainerClient\nsays(runtimes=[r.name for r in TrainerClient().list_runtimes()])",
        lambda _: None,
    )  # fmt: skip
    assert said == {"runtimes": ["mlp-cpu"]}
    assert "set the KUBEFLOW_SYSTEM_NAMESPACE environment variable" in err


def test_optimizer_client(front: Front, desk: Desk, things: Things) -> None:
    api, kind = KATIB, "Experiment"
    made: list[dict[str, Any]] = []
    said, _ = _run(
        desk, front, "kubeflow", _OPTIMIZER,
        lambda p: made.append(_play(p, front, things, api, kind, {"conditions": [_ENDED]})),
        KUBEFLOW_SYSTEM_NAMESPACE="mlp-training",
    )  # fmt: skip
    assert said == {"status": "Complete", "listed": True, "trials": 0}
    template = made[0]["spec"]["trialTemplate"]
    assert template["trialSpec"]["kind"] == "TrainJob"
    assert template["trialSpec"]["spec"]["runtimeRef"]["name"] == "mlp-cpu"
    assert _left(front, things, api, kind) == []


def test_katib_client(front: Front, desk: Desk, things: Things) -> None:
    api, kind = KATIB, "Experiment"
    status = {"conditions": [_ENDED], "currentOptimalTrial": _BEST}
    said, _ = _run(desk, front, "katib", _KATIB, lambda p: _play(p, front, things, api, kind, status))
    assert said == {"best": {"a": "20"}, "trials": 0, "listed": ["tune"]}
    assert _left(front, things, api, kind) == []


def test_hera_and_a_kubernetes_client(front: Front, desk: Desk, things: Things) -> None:
    api, kind = ARGO, "Workflow"
    act = lambda p: _play(p, front, things, api, kind, {"phase": "Succeeded"})  # noqa: E731
    assert _run(desk, front, "hera", _HERA, act)[0] == {"phase": "Succeeded"}
    assert _left(front, things, api, kind) == []


def test_kserve_client(front: Front, desk: Desk, things: Things) -> None:
    api, kind = KSERVE, "InferenceService"
    status = {"conditions": [_READY], "url": "http://iris.example", "observedGeneration": 1}
    said, _ = _run(desk, front, "kserve", _KSERVE, lambda p: _play(p, front, things, api, kind, status))
    assert said == {"url": "http://iris.example", "listed": ["iris"]}
    assert _left(front, things, api, kind) == []
