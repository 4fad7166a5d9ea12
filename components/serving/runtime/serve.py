"""Serves the model in a folder by MLServer: `serve.py <name> <folder>`. The folder's content says how it is loaded."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

_MLFLOW = "components.serving.runtime.model.MlflowModel"
_SKLEARN = "components.serving.runtime.model.SklearnModel"
_FILES = ("model.joblib", "model.pkl", "model.pickle")


class NoModel(Exception):
    """The folder holds nothing that can be served; the message says what was expected."""


def model_settings(name: str, folder: Path) -> dict[str, Any]:
    """MLServer's model-settings.json: a model that MLflow saved, or one that scikit-learn's users keep as a file."""
    if (folder / "MLmodel").is_file():
        return {"name": name, "implementation": _MLFLOW, "parameters": {"uri": str(folder)}}
    for file in _FILES:
        if (folder / file).is_file():
            return {"name": name, "implementation": _SKLEARN, "parameters": {"uri": str(folder / file)}}
    raise NoModel(f"{folder} holds neither MLflow's file MLmodel nor one of {', '.join(_FILES)}")


def main(arguments: list[str]) -> int:
    name, folder = arguments[0], Path(arguments[1])
    try:
        settings = model_settings(name, folder)
    except NoModel as missing:
        print(missing, file=sys.stderr)  # noqa: T201
        return 1
    home = Path(tempfile.mkdtemp())
    (home / "model-settings.json").write_text(json.dumps(settings))
    os.chdir(home)

    from mlserver.cli import main as serve

    sys.argv = ["mlserver", "start", str(home)]
    serve()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
