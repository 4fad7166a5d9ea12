"""The steps of `platform tour`, from a notebook to a served model and its lineage. Each returns its evidence."""

from __future__ import annotations

import json
import time
from typing import Any

from components.facts import PlatformFacts
from infra.kubectl import KubectlFailed, short
from infra.verify.checks import Check, Evidence, expect
from infra.verify.tour import endpoints, models, projects, training
from infra.verify.tour.stage import Tour, condition

MODEL = "tour-model"

_NOTEBOOK = f"""
import json, mlflow
from mlflow.tracking import MlflowClient
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

mlflow.set_experiment("tour")
x, y = load_iris(return_X_y=True)
with mlflow.start_run(run_name="notebook") as run:
    mlflow.log_input(mlflow.data.from_numpy(x, targets=y, name="iris"), context="training")
    model = LogisticRegression(max_iter=500).fit(x, y)
    mlflow.log_param("max_iter", 500)
    mlflow.log_metric("accuracy", float(model.score(x, y)))
    logged = mlflow.sklearn.log_model(model, name="model", input_example=x[:2])
version = mlflow.register_model(logged.model_uri, "{MODEL}")
MlflowClient().set_registered_model_alias("{MODEL}", "candidate", version.version)
tags = MlflowClient().get_run(run.info.run_id).data.tags
print(json.dumps({{"run": run.info.run_id, "version": version.version,
                   "tags": {{k: v for k, v in tags.items() if k.startswith("mlp.io/")}}}}))
"""


def opened(tour: Tour) -> Evidence:
    seconds = tour.open()
    names = tour.me.run("get", "serviceaccounts", f"--namespace={tour.a.namespace}", "-o", "name")
    return (
        f"workspaces {tour.a.namespace} and {tour.b.namespace}, the slower after {seconds:.2f} s; kubectl with the "
        f"person's platform token alone, through the gateway, sees {', '.join(names.split())}"
    )


def notebook_starts(tour: Tour) -> Evidence:
    began = time.monotonic()
    tour.notebook.start()
    address = tour.notebook.wait()
    return f"ready at {address} after {time.monotonic() - began:.1f} s, started by REST with the person's token"


def notebook_trains(tour: Tour) -> Evidence:
    said = json.loads(tour.notebook.run(_NOTEBOOK).strip().splitlines()[-1])
    tour.seen["notebook"] = said
    found = tour.mlflow("/api/2.0/mlflow/runs/get", {"run_id": said["run"]})
    status = found["run"]["info"]["status"]
    expect(status == "FINISHED", f"the run's status is {status}")
    expect(
        said["tags"].get("mlp.io/origin-kind") == "Notebook", f"the run does not say where it is from: {said['tags']}"
    )
    return f"run {said['run']} of the notebook is in MLflow as {MODEL} v{said['version']}, tagged {said['tags']}"


def notebook_stops(tour: Tour) -> Evidence:
    tour.notebook.stop()
    claims = tour.me.run("get", "persistentvolumeclaims", f"--namespace={tour.a.namespace}", "-o", "name")
    expect(bool(claims.strip()), "the home volume went with the server")
    return f"the server is gone, its home {claims.strip()} stays"


def tfjob(tour: Tour) -> Evidence:
    return _trained(
        tour, training.tfjob(tour.a.namespace, tour.facts.training_image, env={"RUN_NAME": "tfjob"}), "TFJob"
    )


def trainjob(tour: Tour) -> Evidence:
    return _trained(tour, training.trainjob(tour.a.namespace, env={"RUN_NAME": "trainjob"}), "TrainJob")


def _trained(tour: Tour, job: dict[str, Any], kind: str) -> Evidence:
    began = time.monotonic()
    what = tour.submit(job)
    how = tour.ended(what, 300, lambda obj: condition(obj, "Succeeded", "Complete", "Failed"))
    seconds = time.monotonic() - began
    name = job["metadata"]["name"]
    selector = f"training.kubeflow.org/job-name={name}" if kind == "TFJob" else f"jobset.sigs.k8s.io/jobset-name={name}"
    log = tour.logs(selector)
    expect(not how.startswith("Failed"), f"{how}; log: {short(log, 800)}")
    runs = tour.runs(f"tags.`mlp.io/origin-name` = '{name}'")
    expect(len(runs) == 1, f"{len(runs)} runs of {kind} {name} are in MLflow; log: {short(log, 600)}")
    tags = {tag["key"]: tag["value"] for tag in runs[0]["data"]["tags"]}
    expect(tags.get("mlp.io/origin-kind") == kind, f"its run says it is of a {tags.get('mlp.io/origin-kind')}")
    workload = _queued(tour, name)
    tour.me.run("delete", what, f"--namespace={tour.a.namespace}", "--wait=false")
    return f"{how} after {seconds:.0f} s; run {runs[0]['info']['run_id']} in MLflow; {workload}"


def _queued(tour: Tour, name: str) -> str:
    """How the queue let the job in."""
    if tour.facts.queueing is None:
        return "there is no queue"
    listed = json.loads(tour.me.run("get", "workloads.kueue.x-k8s.io", f"--namespace={tour.a.namespace}", "-o", "json"))
    mine = [each for each in listed["items"] if name in _owners(each)]
    expect(len(mine) == 1, f"{len(mine)} workloads in the queue belong to {name}")
    known = {each["type"] for each in mine[0]["status"]["conditions"]}
    expect({"Admitted", "Finished"} <= known, f"the queue did not let {name} through: {mine[0]['status']}")
    return f"queue {mine[0]['spec']['queueName']} let it in and saw it finish"


def _owners(obj: dict[str, Any]) -> set[str]:
    return {str(owner["name"]) for owner in obj["metadata"].get("ownerReferences") or ()}


def stranger(tour: Tour) -> Evidence:
    """Everything of A, tried by the workload of B and as a member of B."""
    refused: list[str] = []
    for kind in ("pods", "secrets", "tfjobs.kubeflow.org", "experiments.kubeflow.org", "workflows.argoproj.io",
                 "inferenceservices.serving.kserve.io", "workloads.kueue.x-k8s.io"):  # fmt: skip
        try:
            tour.kubectl.run("get", kind, f"--namespace={tour.a.namespace}", "-o", "name", who=tour.b.person())
        except KubectlFailed as error:
            text = str(error)
            expect("forbidden" in text or "the server doesn't have a resource type" in text, f"{kind}: {text}")
            refused.append(kind)
        else:
            raise AssertionError(f"a member of B lists {kind} of A")
    try:
        tour.kubectl.create(training.trainjob(tour.a.namespace, "intruder"), tour.b.person())
    except KubectlFailed as error:
        expect("forbidden" in str(error), f"refused for another reason: {error}")
    else:
        raise AssertionError("a member of B starts a job in A")
    return f"a member of B is refused {', '.join(refused)} of A, and may start no job there"


def cleared(tour: Tour) -> Evidence:
    began = time.monotonic()
    tour.close()
    namespaces = tour.kubectl.run("get", "namespaces", "-o", "name")
    expect(tour.token not in namespaces, f"still there: {namespaces}")
    return f"both tenants with all that ran there are gone after {time.monotonic() - began:.1f} s"


def steps(facts: PlatformFacts) -> tuple[Check[Tour], ...]:
    """Those that the installed components allow. The first sets the stage and the last clears it."""
    made: tuple[tuple[str, Check[Tour]], ...] = (
        ("notebooks", Check("a notebook server starts", notebook_starts)),
        ("notebooks", Check("the notebook trains, logs and registers", notebook_trains)),
        ("notebooks", Check("an MLflow project of the notebook runs as a job", projects.project_runs)),
        ("notebooks", Check("the notebook stops and its home stays", notebook_stops)),
        ("training", Check("a TFJob trains on two workers", tfjob)),
        ("training", Check("a TrainJob trains", trainjob)),
        ("tuning", Check("a search tries parameters, each trial a run", models.tuned)),
        ("tuning pipelines", Check("a pipeline judges the best model and promotes it", models.promoted)),
        ("tuning pipelines serving", Check("the promoted model is served and predicts", models.served)),
        ("tuning pipelines serving", Check("the prediction is traced back to the search, and forth", models.traced)),
        ("serving", Check("an alias is served at an endpoint", endpoints.endpoint_serves)),
        ("serving", Check("moving the alias under load fails no call", endpoints.alias_moves)),
        ("serving", Check("a canary answers its share of the calls", endpoints.canary_shares)),
        ("serving", Check("an endpoint that nobody calls sleeps, and a call wakes it", endpoints.endpoint_sleeps)),
        ("serving", Check("another tenant's pod may not call the endpoint", endpoints.endpoint_closed)),
    )
    there = set(facts.components)
    return (
        Check("a person gets a workspace and one token", opened),
        *(check for needed, check in made if set(needed.split()) <= there),
        Check("another tenant can do none of it", stranger),
        Check("all of it is removed without a trace", cleared),
    )
