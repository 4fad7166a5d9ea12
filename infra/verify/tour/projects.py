"""The tour's step with an MLflow project: submitted in a notebook, run by a job of the workspace."""

from __future__ import annotations

import json

from infra.verify.checks import Evidence, expect
from infra.verify.tour.stage import Tour

_SUBMIT = '''
import json, os, pathlib, tempfile, mlflow

os.environ["MLP_TOKEN"] = {token!r}
folder = pathlib.Path(tempfile.mkdtemp())
(folder / "MLproject").write_text("""
name: tour
entry_points:
  main:
    parameters:
      alpha: float
    command: "python3 train.py {{alpha}}"
""")
(folder / "train.py").write_text("""
import sys, mlflow
with mlflow.start_run():
    mlflow.log_metric("alpha", float(sys.argv[1]))
""")
run = mlflow.projects.run(
    str(folder), parameters={{"alpha": 0.5}}, experiment_name="tour", backend="mlp",
    backend_config={{"cpu": "200m", "memory": "512Mi"}},
)
print(json.dumps({{"run": run.run_id}}))
'''


def project_runs(tour: Tour) -> Evidence:
    """By the plugin that MLflow finds in the notebook's image, with the person's token."""
    said = tour.notebook.run(_SUBMIT.format(token=tour.person_api.access.token), 240)
    run = json.loads(said.strip().splitlines()[-1])["run"]
    found = tour.mlflow("/api/2.0/mlflow/runs/get", {"run_id": run})["run"]
    tags = {tag["key"]: tag["value"] for tag in found["data"]["tags"]}
    metrics = {metric["key"]: metric["value"] for metric in found["data"].get("metrics", [])}
    expect(found["info"]["status"] == "FINISHED", f"the run's status is {found['info']['status']}: {tags}")
    expect(metrics == {"alpha": 0.5}, f"the project logged {metrics}")
    expect(tags.get("mlp.io/origin-kind") == "Job", f"its run says it is of a {tags.get('mlp.io/origin-kind')}")
    return f"job {tags['mlp.io/origin-name']} ran the project's files in run {run}, and logged {metrics} there"
