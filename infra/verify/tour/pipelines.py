"""A pipeline as Argo's documentation writes one: register the best trial's model, judge it, promote it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.contract import KubernetesObject
from infra.verify.tour.training import script

_RESOURCES = {"requests": {"cpu": "50m", "memory": "256Mi"}, "limits": {"cpu": "1", "memory": "768Mi"}}


def promotion(
    namespace: str, image: str, name: str = "promote", *, model: str, alias: str, at_least: float
) -> KubernetesObject:
    """Two steps; the second takes what the first found. `at_least`: the accuracy below which nothing is promoted."""
    version = "{{tasks.register.outputs.parameters.version}}"
    register: dict[str, Any] = {"name": "register", "template": "register"}
    promote = {
        "name": "promote",
        "template": "promote",
        "depends": "register",
        "arguments": {"parameters": [{"name": "version", "value": version}]},
    }
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "entrypoint": "main",
            "templates": [
                {"name": "main", "dag": {"tasks": [register, promote]}},
                {
                    "name": "register",
                    "container": _container(image, "register_best", {"MODEL": model}),
                    "outputs": {"parameters": [{"name": "version", "valueFrom": {"path": "/tmp/version"}}]},  # noqa: S108
                },
                {
                    "name": "promote",
                    "inputs": {"parameters": [{"name": "version"}]},
                    "container": _container(
                        image,
                        "promote",
                        {
                            "MODEL": model,
                            "ALIAS": alias,
                            "AT_LEAST": str(at_least),
                            "VERSION": "{{inputs.parameters.version}}",
                        },
                    ),
                },
            ],
        },
    }


def _container(image: str, program: str, env: Mapping[str, str]) -> dict[str, Any]:
    return {
        "image": image,
        "command": ["python3", "-c", script(program)],
        "env": [{"name": name, "value": value} for name, value in env.items()],
        "resources": _RESOURCES,
    }


def ended(obj: Mapping[str, Any]) -> str | None:
    """The phase in which a workflow ended, with its message; None while it runs."""
    status = obj.get("status") or {}
    if status.get("phase") in ("Succeeded", "Failed", "Error"):
        return f"{status['phase']} {status.get('message', '')}".strip()
    return None
