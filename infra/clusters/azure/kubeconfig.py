"""AKS' kubeconfig → one whose tokens come from this installation's own Python, without kubelogin. Pure."""

from __future__ import annotations

import base64
import sys

import yaml

from infra.clusters.errors import ClusterError

TOKEN_MODULE = "infra.clouds.azure.token"  # noqa: S105 - a module's name


def for_installer(encoded: str, tenant: str, python: str = sys.executable) -> str:
    """`encoded` is base64 as Azure gives it. Whatever user it names is replaced: by a command that asks Entra for a
    token with the credentials of whoever runs it. Raises ClusterError where it has no cluster."""
    given = yaml.safe_load(base64.b64decode(encoded))
    if not isinstance(given, dict) or not given.get("clusters"):
        raise ClusterError("AKS gave a kubeconfig without a cluster; run `platform up` again when the cluster is up")
    cluster = given["clusters"][0]
    user = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": python,
            "args": ["-m", TOKEN_MODULE, "--tenant", tenant],
            "interactiveMode": "Never",
            "provideClusterInfo": False,
        }
    }
    made = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "cluster", "cluster": cluster["cluster"]}],
        "users": [{"name": "user", "user": user}],
        "contexts": [{"name": "cluster", "context": {"cluster": "cluster", "user": "user"}}],
        "current-context": "cluster",
    }
    return yaml.safe_dump(made, sort_keys=False)
