"""`mlflow run <project> --backend mlp`: the project's files go into a new run, and a Job of the workspace runs them."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import RunStatus
from mlflow.exceptions import ExecutionException
from mlflow.projects.backend.abstract_backend import AbstractBackend
from mlflow.projects.submitted_run import SubmittedRun
from mlflow.projects.utils import fetch_and_validate_project, get_or_create_run

from components.tracking.client.archive import TooLarge, pack
from components.tracking.client.cluster import Cluster, ClusterError
from components.tracking.client.jobs import ARCHIVE, ConfigurationError, job, outcome, parsed

IMAGE_VARIABLE = "MLP_IMAGE"
_EVERY = 2.0
_PATIENCE = 5
"""Questions in a row that may go unanswered."""
_ENDED = ("FINISHED", "FAILED")


class ClusterBackend(AbstractBackend):  # type: ignore[misc]
    """MLflow finds it by the entry point `mlflow.project_backend`."""

    def run(  # noqa: PLR0917 - as MLflow calls it
        self,
        project_uri: str,
        entry_point: str,
        params: dict[str, Any],
        version: str | None,
        backend_config: dict[str, Any],
        tracking_uri: str,  # noqa: ARG002 - what the environment says as well
        experiment_id: str,
    ) -> SubmittedRun:
        """Raises ExecutionException, before anything is made where that can be known before."""
        try:
            config, cluster = parsed(backend_config), Cluster()
            image = config.image or os.environ.get(IMAGE_VARIABLE, "")
            if not image:
                raise ConfigurationError("--backend-config must name an `image` outside of a workspace's pods")
            folder = fetch_and_validate_project(project_uri, version, entry_point, params)
            client = MlflowClient()
            run = get_or_create_run(None, project_uri, experiment_id, folder, version, entry_point, params).info.run_id
            wanted = job(
                run, namespace=cluster.namespace, image=image, entry_point=entry_point, parameters=params, config=config
            )
            name = str(wanted["metadata"]["name"])
            try:
                _store(client, run, Path(folder))
                for key, value in {"mlp.io/origin-kind": "Job", "mlp.io/origin-name": name}.items():
                    client.set_tag(run, key, value)
                cluster.create(wanted)
            except BaseException:
                client.set_terminated(run, "FAILED")
                raise
        except (ConfigurationError, ClusterError, TooLarge) as error:
            raise ExecutionException(str(error)) from error
        return JobRun(cluster, client, run, name)


def _store(client: MlflowClient, run: str, project: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / Path(ARCHIVE).name
        pack(project, archive)
        client.log_artifact(run, str(archive), str(Path(ARCHIVE).parent))


class JobRun(SubmittedRun):  # type: ignore[misc]
    """A run whose project a Job runs."""

    def __init__(self, cluster: Cluster, client: MlflowClient, run: str, job_name: str) -> None:
        super().__init__()
        self._cluster = cluster
        self._client = client
        self._run = run
        self._job = job_name

    @property
    def run_id(self) -> str:
        return self._run

    def wait(self) -> bool:
        """Until the Job has ended; whether it was well. A run whose pod never ran has failed."""
        silent = 0
        while True:
            try:
                status, why = outcome(self._cluster.get(self._job))
                silent = 0
            except ClusterError as error:
                silent += 1
                if silent == _PATIENCE:
                    raise ExecutionException(str(error)) from error
                status, why = "RUNNING", ""
            if status in _ENDED:
                break
            time.sleep(_EVERY)
        if status == "FAILED":
            self._end("FAILED", why)
        return status == "FINISHED"

    def get_status(self) -> int:
        status = outcome(self._cluster.get(self._job))[0]
        return int(RunStatus.from_string(status))

    def cancel(self) -> None:
        self._cluster.delete(self._job)
        self._end("KILLED", "")

    def _end(self, status: str, why: str) -> None:
        if self._client.get_run(self._run).info.status in ("RUNNING", "SCHEDULED"):
            if why:
                self._client.set_tag(self._run, "mlp.io/failure", why[:400])
            self._client.set_terminated(self._run, status)
