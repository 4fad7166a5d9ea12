"""What runs in a workspace, read from a real API server with the web application's own rights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.controlplane.conftest import System
from tests.contract.controlplane.contents import CONTAINER, TEMPLATE, condition, install_kinds
from tests.contract.controlplane.lab import Lab, laboratory
from tests.contract.reconcile.world import World, until
from tests.servers.kubernetes import KubernetesServer

pytestmark = [pytest.mark.contract, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def world(kubernetes_server: KubernetesServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(kubernetes_server, Path(tmp_path_factory.mktemp("world")))
    install_kinds(made)
    yield made
    made.close()


@pytest.fixture
def lab(mlp: System, world: World) -> Iterator[Lab]:
    with laboratory(mlp, world) as made:
        yield made


def test_jobs_say_how_far_they_are_and_why_they_wait(lab: Lab) -> None:
    things = lab.things
    things.tfjob("running", {
        "conditions": [condition("Running", "True", "TFJobRunning")], "startTime": "2026-01-02T03:04:05Z",
        "replicaStatuses": {"Worker": {"active": 2}},
    })  # fmt: skip
    things.tfjob("failed", {
        "conditions": [condition("Failed", "True", "TFJobFailed", "TFJob failed because 1 Worker replica(s) failed.")],
        "replicaStatuses": {"Worker": {"failed": 1}}, "completionTime": "2026-01-02T04:04:05Z",
    })  # fmt: skip
    things.pod("failed-worker-0", {"training.kubeflow.org/job-name": "failed"}, {
        "phase": "Failed",
        "containerStatuses": [{
            "name": "main", "image": "i", "imageID": "", "ready": False, "restartCount": 0,
            "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
        }],
    })  # fmt: skip
    queued = things.trainjob("queued", suspend=True)
    pending = (
        "couldn't assign flavors to pod set main: insufficient unused quota for cpu in flavor default, 1 more needed"
    )
    things.workload(queued, [condition("QuotaReserved", "False", "Pending", pending)])
    never = things.trainjob("never", suspend=True)
    too_much = (
        "couldn't assign flavors to pod set main: insufficient quota for cpu in flavor default, previously considered "
        "podsets requests (0) + current podset request (64) > maximum capacity (4)"
    )
    things.workload(never, [condition("QuotaReserved", "False", "Pending", too_much)])
    stopped = things.trainjob("stopped", suspend=True)
    things.workload(stopped, [condition("Evicted", "True", "Deactivated", "The workload is deactivated")], active=False)

    found = lab.items("?group=jobs")
    assert {name: item["state"] for name, item in found.items()} == {
        "running": "running", "failed": "failed", "queued": "waiting", "never": "waiting", "stopped": "stopped",
    }  # fmt: skip
    assert found["running"]["progress"] == "2 of 2 replicas"
    assert found["failed"]["reason"] == (
        "TFJob failed because 1 Worker replica(s) failed. Container main ran out of memory (its limit is 64Mi)."
    )
    assert found["queued"]["reason"] == "It waits in queue default until others of the tenant end: 1 cpu more needed."
    assert found["queued"]["queue"]["admitted"] is False
    assert found["never"]["reason"] == (
        "It asks for more than the tenant can ever have: cpu (64 asked for, 4 at most). "
        "Ask for less, or for more quota."
    )
    assert found["stopped"]["reason"] == "It was stopped. Resume it to put it into the queue again."
    assert found["stopped"]["actions"] == ["resume", "delete"]
    assert found["running"]["actions"] == ["stop", "delete"]


def test_a_job_whose_pods_are_refused_says_why(lab: Lab) -> None:
    """The job controller is real here, and so are quota and limits."""

    def using(cpu: str) -> dict[str, Any]:
        amounts = {"cpu": cpu, "memory": "64Mi"}
        container = {**CONTAINER, "resources": {"requests": amounts, "limits": amounts}}
        return {"spec": {**TEMPLATE["spec"], "containers": [container]}}

    lab.things.job("too-big", template=using("64"))
    lab.things.job("too-many", template=using("3"), parallelism=2, completions=2)

    def reason(name: str) -> str:
        return str(lab.items("?kind=job")[name]["reason"])

    until("the job controller has been refused", lambda: bool(reason("too-big") and reason("too-many")))
    assert reason("too-big") == "A container may have 4 cpu at most in this workspace; it asks for 64."
    assert reason("too-many").startswith("The workspace's quota is used up: asked for ")
    seen = lab.vi.get(f"{lab.path}/contents/job/too-big")
    assert seen["content"]["state"] == "starting"
    assert {e["reason"] for e in seen["events"] if e["warning"]} == {"FailedCreate"}


def test_notebooks_are_the_hubs_pods_with_their_owner(lab: Lab) -> None:
    labels = {"component": "singleuser-server", "hub.jupyter.org/username": "mo", "hub.jupyter.org/servername": ""}
    lab.things.pod("jupyter-mo", labels, {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]})
    lab.things.pod("jupyter-ada", labels | {"hub.jupyter.org/username": "ada"}, {
        "phase": "Pending",
        "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                        "message": "0/1 nodes are available: 1 Insufficient memory."}],
    })  # fmt: skip
    lab.things.pod("something-else", {})
    found = lab.items("?group=notebooks")
    assert {n: (i["owner"], i["state"]) for n, i in found.items()} == {
        "jupyter-mo": ("mo", "running"), "jupyter-ada": ("ada", "starting"),
    }  # fmt: skip
    assert found["jupyter-mo"]["url"] == f"/notebooks/hub/spawn/mo/{lab.tenant}--dev"
    assert found["jupyter-ada"]["reason"] == "No node can take it: 0/1 nodes are available: 1 Insufficient memory."
    lab.vi.get(f"{lab.path}/contents/notebook/something-else", 404)


def test_experiments_pipelines_and_endpoints(lab: Lab) -> None:
    things = lab.things
    things.make(
        "kubeflow.org/v1beta1", "Experiment", "tune", {
            "conditions": [condition("Running", "True", "ExperimentRunning")], "trials": 3, "trialsRunning": 1,
            "trialsSucceeded": 2, "startTime": "2026-01-02T03:04:05Z",
            "currentOptimalTrial": {"bestTrialName": "tune-b", "observation": {"metrics": [
                {"name": "accuracy", "latest": "0.93", "min": "0.5", "max": "0.93"}]}},
        },
        spec={"maxTrialCount": 10, "objective": {"type": "maximize", "objectiveMetricName": "accuracy"}},
    )  # fmt: skip
    things.make(
        "kubeflow.org/v1beta1", "Trial", "tune-b",
        {"conditions": [condition("Succeeded", "True", "TrialSucceeded")],
         "observation": {"metrics": [{"name": "accuracy", "latest": "0.93", "min": "0.5", "max": "0.93"}]}},
        spec={"objective": {"type": "maximize", "objectiveMetricName": "accuracy"},
              "parameterAssignments": [{"name": "lr", "value": "0.01"}]},
        meta={"labels": {"katib.kubeflow.org/experiment": "tune"}},
    )  # fmt: skip
    things.make(
        "argoproj.io/v1alpha1", "Workflow", "nightly", {
            "phase": "Failed", "message": "child 'nightly-2' failed", "progress": "1/2",
            "startedAt": "2026-01-02T03:04:05Z", "finishedAt": "2026-01-02T03:14:05Z",
            "nodes": {
                "nightly": {"id": "nightly", "name": "nightly", "displayName": "nightly", "type": "DAG",
                            "phase": "Failed", "children": ["nightly-1"]},
                "nightly-1": {"id": "nightly-1", "name": "nightly.prepare", "displayName": "prepare", "type": "Pod",
                              "phase": "Succeeded", "startedAt": "2026-01-02T03:04:05Z"},
                "nightly-2": {"id": "nightly-2", "name": "nightly.train", "displayName": "train", "type": "Pod",
                              "phase": "Failed", "message": "Error (exit code 1)",
                              "startedAt": "2026-01-02T03:05:05Z"},
            },
        },
        spec={"entrypoint": "main"},
    )  # fmt: skip
    things.make(
        "argoproj.io/v1alpha1", "CronWorkflow", "every-night", {"lastScheduledTime": "2026-01-02T03:04:05Z"},
        spec={"schedules": ["0 3 * * *"], "timezone": "Europe/Berlin", "workflowSpec": {"entrypoint": "main"}},
    )  # fmt: skip
    things.make(
        "serving.kserve.io/v1beta1", "InferenceService", "sales", {
            "conditions": [condition("Ready", "False", "PredictorNotReady"), condition("PredictorReady", "False", "X")],
            "modelStatus": {"transitionStatus": "BlockedByFailedLoad", "states": {
                "activeModelState": "", "targetModelState": "FailedToLoad"},
                "lastFailureInfo": {"message": "the model needs scikit-learn 1.9"}},
        },
        spec={"predictor": {"model": {"modelFormat": {"name": "mlflow"}, "storageUri": "s3://x"}}},
    )  # fmt: skip
    found = lab.items()
    assert found["tune"]["progress"] == "2 of 10 trials, best accuracy 0.93"
    assert found["tune"]["actions"] == ["delete"]
    assert (found["nightly"]["state"], found["nightly"]["progress"]) == ("failed", "1 of 2 steps")
    assert found["every-night"]["progress"] == "at 0 3 * * * (Europe/Berlin)"
    assert (found["sales"]["state"], found["sales"]["reason"]) == ("failed", "the model needs scikit-learn 1.9")
    trial = lab.vi.get(f"{lab.path}/contents/experiment/tune")["parts"]
    assert [(p["name"], p["state"], p["detail"]) for p in trial] == [
        ("tune-b", "succeeded", "lr=0.01, accuracy 0.93")
    ]  # fmt: skip
    steps = lab.vi.get(f"{lab.path}/contents/workflow/nightly")["parts"]
    assert [(p["name"], p["state"]) for p in steps] == [("prepare", "succeeded"), ("train", "failed")]


def test_pages_are_stable_and_filters_narrow(lab: Lab) -> None:
    for number in range(5):
        lab.things.trainjob(f"job-{number}")
    lab.things.tfjob("tf")
    seen: list[str] = []
    cursor = ""
    while True:
        page = lab.vi.get(f"{lab.path}/contents?limit=2{cursor}")
        seen += [item["name"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert sorted(seen) == ["job-0", "job-1", "job-2", "job-3", "job-4", "tf"]
    assert set(lab.items("?kind=tfjob")) == {"tf"}
    assert set(lab.items("?search=b-3")) == {"job-3"}
    assert lab.items("?state=failed") == {}
    lab.vi.get(f"{lab.path}/contents?cursor=nonsense", 422)
    lab.vi.get(f"{lab.path}/contents?kind=secret", 422)


def test_strangers_see_nothing_and_what_is_not_there_looks_the_same(lab: Lab) -> None:
    eve = lab.mlp.caller("eve")
    for path in ("", "/tfjob/x", "/tfjob/x/logs"):
        eve.get(f"{lab.path}/contents{path}", 404)
    lab.vi.get(f"{lab.path}/contents/tfjob/x", 404)
    lab.vi.get(f"{lab.path}/contents/model/x", 404)


def test_logs_need_the_right_in_the_workspace(lab: Lab) -> None:
    lab.things.trainjob("quiet")
    logs = lab.vi.get(f"{lab.path}/contents/trainjob/quiet/logs")
    assert (logs["lines"], logs["note"]) == ([], "It has no pods right now.")
    refused = lab.root.get(f"{lab.path}/contents/trainjob/quiet/logs", 403)
    assert refused["code"] == "rbac", "a platform admin is no member of the tenant"
    lab.vi.get(f"{lab.path}/contents/trainjob/quiet/logs?pod=somebody-elses", 404)


def test_members_stop_resume_and_delete_and_it_is_on_record(lab: Lab) -> None:
    lab.things.job("hourly", parallelism=1)
    one = f"{lab.path}/contents/job/hourly"
    assert lab.vi.post(f"{one}/stop", status=403)["code"] == "refused"
    assert lab.root.post(f"{one}/stop", status=403)["code"] == "rbac", "a platform admin is no member of the tenant"
    stopped = lab.mo.post(f"{one}/stop")
    assert (stopped["content"]["state"], stopped["content"]["actions"]) == ("stopped", ["resume", "delete"])
    assert lab.things.get("batch/v1", "Job", "hourly")["spec"]["suspend"] is True
    assert lab.mo.post(f"{one}/stop", status=403)["code"] == "state"
    assert lab.mo.post(f"{one}/resume")["content"]["state"] in ("starting", "running")
    lab.mo.post(f"{one}/delete")
    until("it is gone", lambda: "hourly" not in lab.items())
    lab.mo.post(f"{one}/delete", status=404)
    assert [(e["actor"], e["object"].split("/")[-1]) for e in lab.audited("content.stop")] == [("user:mo", "hourly")]
    assert lab.audited("content.delete")[0]["before"] == {"state": "starting"}
    assert lab.audited("content.patch")[0]["outcome"] == "refused"


def test_what_a_queue_holds_is_stopped_in_the_queue(lab: Lab, world: World) -> None:
    job = lab.things.trainjob("nightly")
    lab.things.workload(job, [condition("QuotaReserved", "True", "R"), condition("Admitted", "True", "A")])
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
        "metadata": {"name": "training", "namespace": lab.namespace},
        "rules": [{"apiGroups": ["trainer.kubeflow.org"], "resources": ["trainjobs"], "verbs": ["patch"]}],
    }  # fmt: skip
    one = f"{lab.path}/contents/trainjob/nightly"
    world.admin.apply(role)
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": {"name": "training", "namespace": lab.namespace},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "training"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": f"tenant:{lab.tenant}:member"}],
    }  # fmt: skip
    world.admin.apply(binding)
    stopped = lab.mo.post(f"{one}/stop")
    assert stopped["content"]["state"] == "stopped"
    kept = lab.things.get("trainer.kubeflow.org/v1alpha1", "TrainJob", "nightly")
    assert kept["spec"]["suspend"] is False, "Kueue suspends it when it takes the room away"
    workload = lab.things.get("kueue.x-k8s.io/v1beta2", "Workload", "trainjob-nightly")
    assert workload["spec"]["active"] is False
    assert lab.mo.post(f"{one}/resume")["content"]["state"] != "stopped"


def test_a_notebook_is_stopped_by_ending_its_pod(lab: Lab) -> None:
    labels = {"component": "singleuser-server", "hub.jupyter.org/username": "mo"}
    lab.things.pod("jupyter-mo", labels)
    lab.mo.post(f"{lab.path}/contents/notebook/jupyter-mo/delete", status=403)
    lab.mo.post(f"{lab.path}/contents/notebook/jupyter-mo/stop")
    until("the pod is gone", lambda: "jupyter-mo" not in lab.items())


def test_admission_narrows_what_the_web_application_may_change(lab: Lab, world: World) -> None:
    """With a token of its account alone, somebody could not do what the console never does."""
    from controlplane.kube.errors import ApiError

    lab.things.job("hourly", suspend=True, completions=1)
    lab.things.pod("plain", {})
    job, pod = world.web.resource("batch/v1", "Job"), world.web.resource("v1", "Pod")

    def refused(change: Any) -> str:
        with pytest.raises(ApiError) as error:
            change()
        return str(error.value)

    for patch in (
        {"metadata": {"labels": {"a": "b"}}},
        {"metadata": {"annotations": {"a": "b"}}},
        {"spec": {"activeDeadlineSeconds": 5}},
        {"spec": {"suspend": False, "backoffLimit": 9}},
    ):
        said = refused(lambda p=patch: world.web.merge(job, lab.namespace, "hourly", p))  # type: ignore[misc]
        assert "(rule: web)" in said, patch
    assert "(rule: web)" in refused(lambda: world.web.delete(pod, lab.namespace, "plain"))
    lab.things.kube.create(
        {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "outside", "namespace": "default"},
         "spec": {"template": TEMPLATE, "suspend": True}}
    )  # fmt: skip
    try:
        assert "(rule: " in refused(lambda: world.web.delete(job, "default", "outside"))
    finally:
        world.admin.delete(job, "default", "outside")
    world.web.merge(job, lab.namespace, "hourly", {"spec": {"suspend": False}})
