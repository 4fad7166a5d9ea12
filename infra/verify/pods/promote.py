"""A pipeline's step: judges a version by its run's metric and moves the alias to it."""

import os

from mlflow.tracking import MlflowClient

client = MlflowClient()
name, version = os.environ["MODEL"], os.environ["VERSION"]
run = client.get_run(client.get_model_version(name, version).run_id)
accuracy = run.data.metrics["accuracy"]
if accuracy < float(os.environ["AT_LEAST"]):
    raise SystemExit(f"version {version} reaches {accuracy:.3f}, which is below {os.environ['AT_LEAST']}")
client.set_registered_model_alias(name, os.environ["ALIAS"], version)
print(f"{os.environ['ALIAS']} of {name} is version {version} with accuracy {accuracy:.3f}")
