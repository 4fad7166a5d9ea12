"""MLflow tags every run that is started in a pod with where it came from; lineage reads these tags."""

from __future__ import annotations

import os
from pathlib import Path

from mlflow.tracking.context.abstract_context import RunContextProvider

from components.tracking.client.auth import TOKEN_FILE, TOKEN_FILE_VARIABLE
from components.tracking.client.origin import parse_labels, tags

_LABELS, _POD, _NAMESPACE = "labels", "pod", "namespace"
"""Files beside the token (components/tracking/workspace.py)."""


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError:
        return ""


class OriginContext(RunContextProvider):  # type: ignore[misc]
    """MLflow finds it by the entry point `mlflow.run_context_provider`. Says nothing where the volume is missing."""

    def in_context(self) -> bool:
        return (self._folder() / _POD).is_file()

    def tags(self) -> dict[str, str]:
        folder = self._folder()
        return tags(
            parse_labels(_read(folder / _LABELS)),
            _read(folder / _POD).strip(),
            _read(folder / _NAMESPACE).strip(),
            os.environ.get("MLP_IMAGE", ""),
        )

    @staticmethod
    def _folder() -> Path:
        return Path(os.environ.get(TOKEN_FILE_VARIABLE, TOKEN_FILE)).parent
