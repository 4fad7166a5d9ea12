"""Runs in a pod of B: tries every way to see what A logged. Answers that begin with GOT are leaks."""

import json
import os
import pathlib
import ssl
import urllib.error
import urllib.request

import mlflow
from mlflow.tracking import MlflowClient

run, experiment = os.environ["SPY_RUN"], os.environ["SPY_EXPERIMENT"]
other, tenant = os.environ["SPY_NAMESPACE"], os.environ["SPY_TENANT"]
base = os.environ["MLFLOW_TRACKING_URI"]
bearer = {"Authorization": "Bearer " + pathlib.Path(os.environ["MLP_TOKEN_FILE"]).read_text()}
context = ssl.create_default_context(cafile=os.environ["MLFLOW_TRACKING_SERVER_CERT_PATH"])
seen = {}


def attempt(name, call):
    try:
        seen[name] = "GOT " + repr(call())[:200]
    except Exception as error:
        seen[name] = f"{type(error).__name__}: {error}"[:200]


def raw(headers, path=f"/api/2.0/mlflow/runs/get?run_id={run}"):
    request = urllib.request.Request(base + path, headers=headers)
    with urllib.request.urlopen(request, context=context, timeout=20) as answer:
        return answer.read(200)


client = MlflowClient()
attempt("run by id", lambda: client.get_run(run))
attempt("experiment by id", lambda: client.get_experiment(experiment).name)
attempt("model by name", lambda: client.get_registered_model("verify-model"))
attempt("artifacts by run", lambda: client.list_artifacts(run))

mlflow.set_workspace(other)
attempt("run in A's workspace", lambda: client.get_run(run))
attempt("search in A's workspace", client.search_experiments)
attempt("model in A's workspace", lambda: client.get_registered_model("verify-model"))
attempt("write into A's workspace", lambda: client.create_experiment("intruder"))

forged = {"X-MLFLOW-WORKSPACE": other, "X-Remote-User": "user:admin", "X-Remote-Groups": f"tenant:{tenant}:admin"}
attempt("forged identity with a token", lambda: raw({**bearer, **forged}))
attempt("forged identity without a token", lambda: raw({**forged, "X-Remote-Groups": "system:masters"}))
spelled = {"x_mlflow_workspace": other, "X_REMOTE_USER": "user:admin", "x-remote-groups": "platform:admin"}
attempt("forged identity in other spellings", lambda: raw({**bearer, **spelled, "x-mlflow-workspace": other}))
artifact = f"/api/2.0/mlflow-artifacts/artifacts/workspaces/{other}/{experiment}/{run}/artifacts/files/evidence.txt"
attempt("artifact by path", lambda: raw(bearer, artifact))
attempt("artifact by path in A's workspace", lambda: raw({**bearer, "X-MLFLOW-WORKSPACE": other}, artifact))

print(json.dumps(seen))
