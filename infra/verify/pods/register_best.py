"""A pipeline's step: registers the best trial's model, and says which version that is."""

import os
import pathlib

import mlflow
from mlflow.tracking import MlflowClient

client = MlflowClient()
experiments = [each.experiment_id for each in client.search_experiments()]
trials = client.search_runs(
    experiments, "tags.`mlp.io/origin-kind` = 'Trial'", order_by=["metrics.accuracy DESC"], max_results=1
)
best = trials[0]
(model,) = mlflow.search_logged_models(
    experiment_ids=[best.info.experiment_id],
    filter_string=f"source_run_id = '{best.info.run_id}'",
    output_format="list",
)
version = mlflow.register_model(model.model_uri, os.environ["MODEL"])
print(f"version {version.version} of {os.environ['MODEL']} is the model of run {best.info.run_id}: {best.data.metrics}")
pathlib.Path("/tmp/version").write_text(str(version.version))
