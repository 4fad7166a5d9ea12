"""Brings a model into the pod's folder: `fetch.py <address> <folder>`, as KServe calls its storage initializer.

MLflow does it with the pod's own identity. An alias is looked up once: by the platform, which writes the version on
the pod, so that every pod of a rollout gets the same one; or here, where the platform has not come to it yet.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

SOURCE_VARIABLE, VERSION_VARIABLE = "MLP_MODEL_SOURCE", "MLP_MODEL_VERSION"
RECORD = "mlp-model.json"
"""Beside the model: what was asked for, and the registered model, version and run that it is, where it is one."""
_ALIAS = re.compile(r"models:/+(?P<model>[^/:@]+)@(?P<alias>[\w-]+)")
_VERSION = re.compile(r"models:/+(?P<model>[^/:@]+)/(?P<version>\d+)")


def pinned(uri: str, source: str, version: str) -> str:
    """The address of the version that the platform chose for exactly this alias; else the address as it is. Pure."""
    match = _ALIAS.fullmatch(uri)
    return f"models:/{match['model']}/{version}" if match and version.isdigit() and source == uri else uri


def resolved(uri: str, client: Any) -> tuple[str, dict[str, str]]:
    """The address of a version in place of an alias, and what it is. `client`: an MlflowClient."""
    if match := _ALIAS.fullmatch(uri):
        found = client.get_model_version_by_alias(match["model"], match["alias"])
    elif match := _VERSION.fullmatch(uri):
        found = client.get_model_version(match["model"], match["version"])
    else:
        return uri, {}
    known = {"model": found.name, "version": str(found.version), "run": found.run_id or ""}
    return f"models:/{found.name}/{found.version}", known


def place(made: Path, folder: Path) -> None:
    """Puts the content of a folder, or a file, into the folder that the server reads."""
    for child in made.iterdir() if made.is_dir() else [made]:
        shutil.move(child, folder / child.name)


def main(arguments: list[str]) -> int:
    uri, folder = arguments[0], Path(arguments[1])
    for left in folder.iterdir():  # by a first try of this container
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    # The model's folder is the only one that can be written.
    work = folder / ".work"
    work.mkdir()
    os.environ |= {name: str(work) for name in ("HOME", "TMPDIR", "MPLCONFIGDIR")}
    wanted = pinned(uri, os.environ.get(SOURCE_VARIABLE, ""), os.environ.get(VERSION_VARIABLE, ""))

    import mlflow
    from mlflow.exceptions import MlflowException

    try:
        address, known = resolved(wanted, mlflow.MlflowClient())
        made = mlflow.artifacts.download_artifacts(artifact_uri=address, dst_path=str(work / "model"))
    except MlflowException as error:
        print(f"{wanted} cannot be fetched: {error.message}", file=sys.stderr)  # noqa: T201
        return 1
    place(Path(made), folder)
    shutil.rmtree(work)
    (folder / RECORD).write_text(json.dumps({"uri": uri, "address": address, **known}) + "\n")
    print(f"{uri} is {address}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
