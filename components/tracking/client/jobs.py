"""The batch Job that runs an MLflow project in a workspace. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ARCHIVE = "project/files.tar.gz"
"""Artifact of the run: the project's files."""
RUN_LABEL = "mlp.io/mlflow-run"
_KEEP_SECONDS = 24 * 3600
_ITS_OWN = re.compile(r"[A-Z][A-Z_]*")
"""Keys that MLflow itself adds to every backend's configuration, such as `STORAGE_DIR`."""
_DOCKER = ("build_image", "docker_auth")
"""More of them; with a value where somebody asked for an image to be built."""
_AMOUNTS = {"cpu": "500m", "memory": "1Gi"}


class ConfigurationError(Exception):
    """What is wrong with `--backend-config`, and what it should be; all findings at once."""


@dataclass(frozen=True)
class JobConfig:
    """What people may choose in `--backend-config`."""

    image: str = ""
    """Empty: the image of the pod that submits, else the workspace's."""
    cpu: str = _AMOUNTS["cpu"]
    memory: str = _AMOUNTS["memory"]
    gpu: int = 0
    """Accelerators of class `gpu_resource`."""
    gpu_resource: str = "nvidia.com/gpu"
    queue: str = ""
    """Empty: the workspace's own queue."""
    env: Mapping[str, str] = field(default_factory=dict)


def parsed(given: Mapping[str, Any]) -> JobConfig:
    """Raises ConfigurationError."""
    wanted = {
        key: value for key, value in given.items() if not _ITS_OWN.fullmatch(key) and (value or key not in _DOCKER)
    }
    known = {name: type(getattr(JobConfig(), name)) for name in JobConfig.__dataclass_fields__}
    findings = [f"{key!r} is not known; there are: {', '.join(known)}" for key in wanted if key not in known]
    for key, kind in known.items():
        if key in wanted and (not isinstance(wanted[key], kind) or isinstance(wanted[key], bool)):
            findings.append(f"{key!r} must be a {'mapping of names to text' if kind is dict else kind.__name__}")
    env = wanted.get("env")
    if isinstance(env, dict) and not all(isinstance(x, str) for pair in env.items() for x in pair):
        findings.append("'env' must be a mapping of names to text")
    if findings:
        raise ConfigurationError(f"--backend-config is refused: {'; '.join(findings)}")
    return JobConfig(**wanted)


def job(
    run: str, *, namespace: str, image: str, entry_point: str, parameters: Mapping[str, Any], config: JobConfig
) -> dict[str, Any]:  # fmt: skip
    """Runs once; its pod gets everything else that a pod of a workspace has by admission."""
    name = f"mlflow-{run[:16]}"
    amounts = {"cpu": config.cpu, "memory": config.memory}
    amounts |= {config.gpu_resource: str(config.gpu)} if config.gpu else {}
    env = {
        **config.env,
        "MLP_PROJECT_RUN": run,
        "MLP_PROJECT_ENTRY_POINT": entry_point,
        "MLP_PROJECT_PARAMETERS": json.dumps({key: str(value) for key, value in parameters.items()}),
    }
    container = {
        "name": "project",
        "image": image,
        "command": ["python3", "-m", "components.tracking.client.runner"],
        "env": [{"name": key, "value": value} for key, value in env.items()],
        "resources": {"requests": amounts, "limits": amounts},
    }
    labels = {RUN_LABEL: run} | ({"kueue.x-k8s.io/queue-name": config.queue} if config.queue else {})
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {
            "backoffLimit": 0,
            "ttlSecondsAfterFinished": _KEEP_SECONDS,
            "template": {
                "metadata": {"labels": {RUN_LABEL: run}},
                "spec": {"restartPolicy": "Never", "containers": [container]},
            },
        },
    }


def outcome(obj: Mapping[str, Any]) -> tuple[str, str]:
    """MLflow's status of a Job's run, and why it is that."""
    status = obj.get("status") or {}
    for condition in status.get("conditions") or ():
        if condition.get("status") == "True" and condition.get("type") in ("Complete", "Failed"):
            return ("FINISHED" if condition["type"] == "Complete" else "FAILED"), str(condition.get("message") or "")
    if (obj.get("spec") or {}).get("suspend"):
        return "SCHEDULED", "waits in the queue"
    return ("RUNNING", "") if status.get("active") else ("SCHEDULED", "")
