"""Runs in a pod of A: logs a run with an artifact and registers a model, with the pod's own identity."""

import json
import os
import pathlib

import mlflow
from mlflow.tracking import MlflowClient

experiment = mlflow.set_experiment("verify")
with mlflow.start_run() as run:
    mlflow.log_param("alpha", 0.5)
    mlflow.log_metric("score", 0.9)
    path = pathlib.Path("/tmp/evidence.txt")
    path.write_text("made in " + os.environ["VERIFY_PLACE"])
    mlflow.log_artifact(str(path), "files")

client = MlflowClient()
client.create_registered_model("verify-model")
version = client.create_model_version("verify-model", f"{run.info.artifact_uri}/files", run.info.run_id)
client.set_registered_model_alias("verify-model", "champion", version.version)

copy = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="files/evidence.txt")
print(
    json.dumps(
        {
            "run": run.info.run_id,
            "experiment": experiment.experiment_id,
            "version": str(version.version),
            "artifact": pathlib.Path(copy).read_text(),
            "uri": run.info.artifact_uri,
        }
    )
)
