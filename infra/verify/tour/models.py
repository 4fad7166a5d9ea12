"""The tour's steps from a search to a served model and its lineage. Each returns its evidence."""

from __future__ import annotations

import json
import time
from typing import Any

from infra.kubectl import short
from infra.verify.checks import Evidence, expect
from infra.verify.story import WORKSPACE
from infra.verify.tour.pipelines import ended, promotion
from infra.verify.tour.serving import client, infer_path, inference_service, ready, tensor
from infra.verify.tour.stage import Tour, condition
from infra.verify.tour.tuning import experiment

MODEL, ALIAS, ENDPOINT = "tour-best", "production", "best"
_IRIS = [[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]]
"""A setosa and a virginica."""


def tuned(tour: Tour) -> Evidence:
    began = time.monotonic()
    what = tour.submit(experiment(tour.a.namespace, tour.facts.workspace_image))
    how = tour.ended(what, 480, lambda obj: condition(obj, "Succeeded", "Failed"))
    log = "" if how.startswith("Succeeded") else short(tour.logs("katib.kubeflow.org/experiment=tune"), 800)
    expect(how.startswith("Succeeded"), f"{how}; {log}")
    found = json.loads(tour.me.run("get", what, f"--namespace={tour.a.namespace}", "-o", "json"))
    best = found["status"]["currentOptimalTrial"]
    runs = tour.runs("tags.`mlp.io/origin-kind` = 'Trial'")
    expect(len(runs) >= found["status"]["trialsSucceeded"], f"only {len(runs)} trials logged a run")
    return (
        f"{how} after {time.monotonic() - began:.0f} s: {found['status']['trialsSucceeded']} trials, each a run in "
        f"MLflow; the best is {best['bestTrialName']} with {best['parameterAssignments']} and "
        f"{best['observation']['metrics'][0]['latest']}"
    )


def promoted(tour: Tour) -> Evidence:
    workflow = promotion(
        tour.a.namespace, tour.facts.workspace_image, model=MODEL, alias=ALIAS, at_least=0.8
    )  # fmt: skip
    began = time.monotonic()
    what = tour.submit(workflow)
    how = tour.ended(what, 300, ended)
    log = tour.logs("workflows.argoproj.io/workflow=promote")
    expect(how.startswith("Succeeded"), f"{how}; log: {short(log, 800)}")
    model = tour.mlflow("/api/2.0/mlflow/registered-models/get", {"name": MODEL})["registered_model"]
    aliases = {each["alias"]: each["version"] for each in model.get("aliases", [])}
    expect(ALIAS in aliases, f"the aliases of {MODEL} are {aliases}")
    tour.seen["version"] = aliases[ALIAS]
    return f"{how} after {time.monotonic() - began:.0f} s: {ALIAS} of {MODEL} is version {aliases[ALIAS]}"


def served(tour: Tour) -> Evidence:
    began = time.monotonic()
    what = tour.submit(inference_service(tour.a.namespace, ENDPOINT, f"models:/{MODEL}@{ALIAS}"))
    version = tour.ended(what, 300, ready)
    seconds = time.monotonic() - began
    with client(tour.person_api.access) as http:
        answer = http.post(infer_path(tour.a.namespace, ENDPOINT), json=tensor(_IRIS))
    expect(answer.status_code == 200, f"the endpoint answers {answer.status_code}: {answer.text[:300]}")
    species = [int(value) for value in answer.json()["outputs"][0]["data"]]
    expect(species == [0, 2], f"a setosa and a virginica are taken for {species}")
    return (
        f"version {version} is served after {seconds:.0f} s; a script with a token predicts {species} for two flowers"
    )


def traced(tour: Tour) -> Evidence:
    """From the prediction's endpoint back to the search, and from the run forth to the endpoint."""
    path = f"/tenants/{tour.a.tenant}/workspaces/{WORKSPACE}/lineage"
    graph = tour.person_api.get(path, endpoint=ENDPOINT)
    kinds = {node["kind"]: node["name"] for node in graph["nodes"]}
    wanted = {"endpoint", "model-version", "run", "trial"}
    expect(wanted <= kinds.keys(), f"the lineage of the endpoint names {kinds}")
    version = tour.mlflow("/api/2.0/mlflow/model-versions/get", {"name": MODEL, "version": tour.seen["version"]})
    back = tour.person_api.get(path, run=version["model_version"]["run_id"])
    found = {node["kind"] for node in back["nodes"]}
    expect("endpoint" in found, f"the lineage of the run does not reach the endpoint: {found}")
    return f"endpoint {ENDPOINT} ← {_chain(graph, kinds)}; and from the run forth to the endpoint"


def _chain(graph: dict[str, Any], kinds: dict[str, str]) -> str:
    order = ("model-version", "run", "dataset", "trial", "experiment", "image")
    return " ← ".join(f"{kind} {kinds[kind]}" for kind in order if kind in kinds) or str(len(graph["nodes"]))
