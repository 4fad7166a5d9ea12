"""Images of KServe's controller and of the pods behind endpoints."""

from __future__ import annotations

from components.images import GoBinary, Image, PythonPackages, SourceTree
from components.serving.settings import ServingSettings
from components.tracking.images import CLIENT_ENV, plugin_layers

VERSION = "0.17.0"
CONTROLLER_IMAGE = "kserve"
SERVING_IMAGE = "serving"


def images(_: ServingSettings) -> tuple[Image, ...]:
    """One image serves models and fetches them: a pod needs a single one."""
    return (
        Image(
            name=CONTROLLER_IMAGE,
            version=VERSION,
            layers=(GoBinary("kserve-manager"),),
            base="scratch",
            entrypoint=("/usr/local/bin/kserve-manager",),
        ),
        Image(
            name=SERVING_IMAGE,
            version="1.7.1",
            layers=(
                PythonPackages("components/serving/requirements.lock", ("mlflow/server/js",)),
                *plugin_layers(),
                SourceTree(("components/serving/runtime",)),
            ),
            command=("python3", "-m", "components.serving.runtime.serve"),
            env=CLIENT_ENV,
        ),
    )
