"""The installer's kubeconfig: tokens come from this installation's own Python, without gcloud and its plugin. Pure."""

from __future__ import annotations

import sys

import yaml

TOKEN_MODULE = "infra.clouds.gcp.token"  # noqa: S105 - a module's name


def kubeconfig(server: str, authority: str | None, python: str = sys.executable) -> str:
    """`server`: the API server's URL. `authority`: its CA's certificate, base64 as GKE gives it."""
    user = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": python,
            "args": ["-m", TOKEN_MODULE],
            "interactiveMode": "Never",
            "provideClusterInfo": False,
        }
    }
    made = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "cluster", "cluster": {"server": server, "certificate-authority-data": authority}}],
        "users": [{"name": "user", "user": user}],
        "contexts": [{"name": "cluster", "context": {"cluster": "cluster", "user": "user"}}],
        "current-context": "cluster",
    }
    return yaml.safe_dump(made, sort_keys=False)
