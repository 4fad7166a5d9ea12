"""In the Job's pod: fetches a project's files with the pod's own identity and runs its entry point in the same run."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import mlflow
from mlflow.exceptions import ExecutionException

from components.tracking.client.archive import unpack
from components.tracking.client.jobs import ARCHIVE


def main() -> int:
    """The process's exit code."""
    run = os.environ.pop("MLP_PROJECT_RUN")
    entry_point = os.environ.pop("MLP_PROJECT_ENTRY_POINT")
    parameters = json.loads(os.environ.pop("MLP_PROJECT_PARAMETERS"))
    folder = Path(tempfile.mkdtemp(prefix="project-"))
    try:
        archive = mlflow.artifacts.download_artifacts(
            run_id=run, artifact_path=ARCHIVE, dst_path=tempfile.mkdtemp(prefix="archive-")
        )
        unpack(Path(archive), folder)
        mlflow.projects.run(
            str(folder), entry_point, parameters=parameters, backend="local", env_manager="local", run_id=run,
        )  # fmt: skip
    except ExecutionException as error:
        print(f"The project failed: {error}", file=sys.stderr)  # noqa: T201 - the pod's log
        return 1
    except BaseException:
        mlflow.MlflowClient().set_terminated(run, "FAILED")
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
