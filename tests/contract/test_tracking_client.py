"""MLflow itself finds our plugins by their entry points and tags its runs, with Python and MLflow of the image."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from components.tracking.images import ENTRY_POINTS
from tests.servers.tracking import ROOT, interpreter

pytestmark = pytest.mark.contract

_PROGRAM = """
import json, mlflow
with mlflow.start_run() as run:
    pass
print(json.dumps(mlflow.get_run(run.info.run_id).data.tags))
"""


def _tags(folder: Path, volume: Path) -> dict[str, str]:
    info = folder / "mlp_workload-1.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mlp-workload\nVersion: 1\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": f"{folder}:{ROOT}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/runs.db",
        "MLP_TOKEN_FILE": str(volume / "token"),
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLP_IMAGE": "registry.mlp.internal/training:1",
    }
    done = subprocess.run(
        [interpreter(), "-c", _PROGRAM],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_runs_carry_the_job_they_came_from(tmp_path: Path) -> None:
    volume = tmp_path / "volume"
    volume.mkdir()
    (volume / "pod").write_text("mnist-worker-0")
    (volume / "namespace").write_text("ws-acme--research")
    (volume / "labels").write_text(
        'training.kubeflow.org/job-name="mnist"\ntraining.kubeflow.org/operator-name="tfjob-controller"\n'
    )
    found = _tags(tmp_path, volume)
    assert {name: value for name, value in found.items() if name.startswith("mlp.io/")} == {
        "mlp.io/origin-kind": "TFJob",
        "mlp.io/origin-name": "mnist",
        "mlp.io/pod": "mnist-worker-0",
        "mlp.io/namespace": "ws-acme--research",
        "mlp.io/image": "registry.mlp.internal/training:1",
    }


def test_runs_outside_of_pods_carry_nothing_of_it(tmp_path: Path) -> None:
    assert not [name for name in _tags(tmp_path, tmp_path / "missing") if name.startswith("mlp.io/")]
