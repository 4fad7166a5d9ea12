"""`mlflow run --backend mlp`: the Job that it makes, and what goes with it."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from components.tracking.client import archive
from components.tracking.client.archive import TooLarge, pack, unpack
from components.tracking.client.cluster import Cluster, ClusterError
from components.tracking.client.jobs import ConfigurationError, JobConfig, job, outcome, parsed

RUN = "0123456789abcdef0123456789abcdef"


def _job(**config: Any) -> dict[str, Any]:
    return job(
        RUN, namespace="ws-acme--lab", image="registry.mlp.internal/workspace:1", entry_point="main",
        parameters={"alpha": 0.5}, config=parsed(config),
    )  # fmt: skip


def test_a_project_is_a_job_that_runs_once_under_its_run() -> None:
    made = _job(cpu="2", memory="4Gi", gpu=1, env={"LEVEL": "info"})
    assert made["metadata"]["namespace"] == "ws-acme--lab"
    assert made["metadata"]["labels"] == {"mlp.io/mlflow-run": RUN}
    assert made["spec"]["backoffLimit"] == 0
    (container,) = made["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["requests"] == {"cpu": "2", "memory": "4Gi", "nvidia.com/gpu": "1"}
    env = {each["name"]: each["value"] for each in container["env"]}
    assert (env["MLP_PROJECT_RUN"], env["MLP_PROJECT_ENTRY_POINT"], env["LEVEL"]) == (RUN, "main", "info")
    assert json.loads(env["MLP_PROJECT_PARAMETERS"]) == {"alpha": "0.5"}


def test_a_queue_may_be_named() -> None:
    assert _job(queue="night")["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "night"


def test_what_mlflow_adds_to_the_configuration_is_passed_over() -> None:
    assert parsed({"STORAGE_DIR": None, "SYNCHRONOUS": True, "build_image": False, "docker_auth": None}) == JobConfig()
    with pytest.raises(ConfigurationError, match="'build_image' is not known"):
        parsed({"build_image": True})


def test_everything_wrong_with_the_configuration_is_said_at_once() -> None:
    with pytest.raises(ConfigurationError) as refused:
        parsed({"cpus": "2", "gpu": "1", "memory": 4, "env": {"A": 1}})
    for part in ("'cpus' is not known", "'gpu' must be a int", "'memory' must be a str", "'env' must be a mapping"):
        assert part in str(refused.value)
    with pytest.raises(ConfigurationError, match="'gpu'"):
        parsed({"gpu": True})


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        ({"spec": {"suspend": True}}, ("SCHEDULED", "waits in the queue")),
        ({"spec": {}}, ("SCHEDULED", "")),
        ({"spec": {}, "status": {"active": 1}}, ("RUNNING", "")),
        ({"status": {"conditions": [{"type": "Complete", "status": "True"}]}}, ("FINISHED", "")),
        (
            {"status": {"conditions": [{"type": "Failed", "status": "True", "message": "no quota"}]}},
            ("FAILED", "no quota"),
        ),
        ({"status": {"active": 1, "conditions": [{"type": "Failed", "status": "False"}]}}, ("RUNNING", "")),
    ],
)
def test_a_job_tells_how_the_run_stands(obj: dict[str, Any], expected: tuple[str, str]) -> None:
    assert outcome(obj) == expected


def test_a_project_travels_without_what_tools_leave_in_it(tmp_path: Path) -> None:
    project, copy = tmp_path / "project", tmp_path / "copy"
    for name in ("MLproject", "src/train.py", ".git/config", "mlruns/0/x", "src/__pycache__/train.pyc"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(name)
    (tmp_path / "secret").write_text("outside")
    (project / "escape").symlink_to(tmp_path / "secret")
    (project / "inside").symlink_to("MLproject")
    pack(project, tmp_path / "files.tar.gz")
    unpack(tmp_path / "files.tar.gz", copy)
    found = sorted(str(path.relative_to(copy)) for path in copy.rglob("*") if not path.is_dir())
    assert found == ["MLproject", "inside", "src/train.py"]
    assert (copy / "inside").read_text() == "MLproject"


def test_large_projects_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "data").write_bytes(b"x" * 100)
    monkeypatch.setattr(archive, "LARGEST", 99)
    with pytest.raises(TooLarge, match="bucket"):
        pack(tmp_path / "project", tmp_path / "files.tar.gz")


def test_nothing_of_an_archive_lands_outside(tmp_path: Path) -> None:
    made = tmp_path / "evil.tar.gz"
    with tarfile.open(made, "w:gz") as target:
        entry = tarfile.TarInfo("../outside")
        entry.size = 1
        target.addfile(entry, io.BytesIO(b"x"))
    with pytest.raises(tarfile.TarError):
        unpack(made, tmp_path / "copy")
    assert not (tmp_path / "outside").exists()


ENVIRONMENT = {
    "MLFLOW_TRACKING_URI": "https://gateway.mlp-gateway.svc:8443/mlflow",
    "MLFLOW_WORKSPACE": "ws-acme--lab",
    "MLP_TOKEN": "mlp_x",
}


def test_jobs_are_made_by_the_gateway_with_a_persons_token() -> None:
    cluster = Cluster(ENVIRONMENT)
    assert cluster.namespace == "ws-acme--lab"
    expected = "https://gateway.mlp-gateway.svc:8443/kubernetes/apis/batch/v1/namespaces/ws-acme--lab/jobs/x"
    assert cluster._path("x") == expected
    outside = Cluster({**ENVIRONMENT, "MLP_TOKEN": "", "MLFLOW_TRACKING_TOKEN": "mlp_y"})
    assert outside._session.headers["Authorization"] == "Bearer mlp_y"


@pytest.mark.parametrize(
    ("missing", "says"),
    [("MLP_TOKEN", "platform token"), ("MLFLOW_WORKSPACE", "MLFLOW_WORKSPACE"), ("MLFLOW_TRACKING_URI", "TRACKING")],
)
def test_what_is_missing_is_said(missing: str, says: str) -> None:
    with pytest.raises(ClusterError, match=says):
        Cluster({name: value for name, value in ENVIRONMENT.items() if name != missing})
