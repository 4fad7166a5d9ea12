"""What the Job of an MLflow project runs, with Python and MLflow of the image: the files come back, the run goes on."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from components.tracking.images import ENTRY_POINTS
from tests.servers.tracking import ROOT, InterpreterMissing, interpreter

pytestmark = pytest.mark.contract

_SUBMIT = """
import json, sys
from pathlib import Path
import mlflow
from mlflow.projects.backend.loader import load_backend
from mlflow.projects.utils import get_or_create_run
from components.tracking.client.backend import _store
folder, value = sys.argv[1:]
assert type(load_backend("mlp")).__name__ == "ClusterBackend", "MLflow finds the plugin"
experiment = mlflow.set_experiment("projects").experiment_id
run = get_or_create_run(None, folder, experiment, folder, None, "main", {"alpha": value}).info.run_id
_store(mlflow.MlflowClient(), run, Path(folder))
print(json.dumps({"run": run}))
"""
_SHOW = """
import json, sys
import mlflow
run = mlflow.get_run(sys.argv[1])
runs = mlflow.search_runs(experiment_names=["projects"], output_format="list")
print(json.dumps({"status": run.info.status, "metrics": run.data.metrics, "runs": len(runs)}))
"""
_PROJECT = """
name: sample
entry_points:
  main:
    parameters: {alpha: {type: float, default: 0.1}}
    command: "python3 train.py {alpha}"
"""
_TRAIN = """
import sys
import mlflow
import helper
with mlflow.start_run():
    mlflow.log_metric("doubled", helper.double(float(sys.argv[1])))
if float(sys.argv[1]) < 0:
    sys.exit("negative")
"""


class Image:
    """The workspace's image as far as this goes: its MLflow with our plugins, tracking into a file."""

    def __init__(self, folder: Path) -> None:
        info = folder / "mlp_workload-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mlp-workload\nVersion: 1\n")
        (info / "entry_points.txt").write_text(ENTRY_POINTS)
        self._folder = folder
        self._environment = {
            "PATH": f"{interpreter().parent}:{os.environ['PATH']}",
            "HOME": str(folder),
            "PYTHONPATH": f"{folder}:{ROOT}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/runs.db",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "GIT_PYTHON_REFRESH": "quiet",
        }

    def python(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(interpreter()), *arguments],
            cwd=self._folder,
            env=self._environment | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def said(self, *arguments: str) -> dict[str, object]:
        done = self.python("-c", *arguments)
        assert done.returncode == 0, done.stderr[-2000:]
        return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture
def image(tmp_path: Path) -> Image:
    try:
        return Image(tmp_path)
    except InterpreterMissing as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize(("alpha", "status", "code"), [("0.25", "FINISHED", 0), ("-1", "FAILED", 1)])
def test_a_project_runs_in_the_run_that_holds_its_files(
    image: Image, tmp_path: Path, alpha: str, status: str, code: int
) -> None:  # fmt: skip
    project = tmp_path / "project"
    project.mkdir()
    for name, content in (
        ("MLproject", _PROJECT),
        ("train.py", _TRAIN),
        ("helper.py", "def double(x):\n    return 2 * x\n"),
    ):
        (project / name).write_text(content)
    run = str(image.said(_SUBMIT, str(project), alpha)["run"])
    for file in project.iterdir():
        file.unlink()
    done = image.python(
        "-m", "components.tracking.client.runner",
        MLP_PROJECT_RUN=run, MLP_PROJECT_ENTRY_POINT="main", MLP_PROJECT_PARAMETERS=json.dumps({"alpha": alpha}),
    )  # fmt: skip
    assert done.returncode == code, done.stderr[-2000:]
    seen = image.said(_SHOW, run)
    assert seen == {"status": status, "metrics": {"doubled": 2 * float(alpha)}, "runs": 1}


def test_mlflow_itself_hands_a_project_to_the_plugin(image: Image, tmp_path: Path) -> None:
    """With all that it adds to the configuration: what is missing here is the platform alone."""
    (tmp_path / "MLproject").write_text(_PROJECT)
    submit = "import sys, mlflow; mlflow.projects.run(sys.argv[1], backend='mlp', backend_config={'cpu': '1'}, **%s)"
    for more, said in (({}, "must name the platform"), ({"build_image": True}, "'build_image' is not known")):
        done = image.python("-c", submit % more, str(tmp_path))
        assert done.returncode == 1
        assert said in done.stderr.splitlines()[-1]


def test_a_run_whose_files_are_gone_fails(image: Image) -> None:
    made = image.said(
        'import json, mlflow; print(json.dumps({"run": mlflow.MlflowClient().create_run("0").info.run_id}))'
    )
    done = image.python(
        "-m", "components.tracking.client.runner",
        MLP_PROJECT_RUN=str(made["run"]), MLP_PROJECT_ENTRY_POINT="main", MLP_PROJECT_PARAMETERS="{}",
    )  # fmt: skip
    assert done.returncode == 1
    assert (
        image.said(_SHOW.replace("runs = ", "mlflow.set_experiment('projects'); runs = "), str(made["run"]))["status"]
        == "FAILED"
    )
