"""Runs in a pod of A: registers a model in two versions, each of which answers with its own number; an alias names
the first."""

import json
import os

import mlflow
import numpy as np
from mlflow.tracking import MlflowClient
from sklearn.dummy import DummyRegressor

name, alias = os.environ["MODEL"], os.environ["ALIAS"]
mlflow.set_experiment("serving")
made = {}
for number in (1.0, 2.0):
    with mlflow.start_run() as run:
        model = DummyRegressor(strategy="constant", constant=number).fit([[0.0]], [number])
        logged = mlflow.sklearn.log_model(model, name="model", input_example=np.zeros((1, 1)))
    made[mlflow.register_model(logged.model_uri, name).version] = run.info.run_id
first = min(made, key=int)
MlflowClient().set_registered_model_alias(name, alias, first)
print(json.dumps({"versions": sorted(made, key=int), "runs": made}))
