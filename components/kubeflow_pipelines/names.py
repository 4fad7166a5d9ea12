"""Names by which others find Kubeflow Pipelines: its objects in a workspace, its address, what RBAC is asked. Pure."""

from __future__ import annotations

import re

from components.paths import PLAIN_REST, WORKSPACE

NAME = "kubeflow-pipelines"
"""The component, the feature of a workspace that asks for it, and the account it runs as there."""
VERSION = "2.17.0"
"""The release whose flags, environment and rights this component is written for."""

SERVICE = "ml-pipeline"
"""Service of a workspace's instance; steps of pipelines are told this name."""
HTTP_PORT = 8888
GRPC_PORT = 8887
METADATA_SERVICE = "metadata-grpc-service"
METADATA_PORT = 8080
CONFIG = "kubeflow-pipelines"
"""ConfigMap of the server."""

GROUP = "pipelines.kubeflow.org"
RUNS = "runs"
"""RBAC is asked about this resource for every call: who may `get` it reads, who may `create` it changes. No such object
exists; Kubeflow's own shared form asks by the same names."""

PATH = "/kfp"
PLAIN_PREFIX = f"{PATH}/{WORKSPACE}"
API_REST = rf"(?=/apis/){PLAIN_REST}"
"""What follows the prefix: the REST interface and nothing else of the server."""
_ADDRESS = re.compile(rf"{PATH}/(?P<namespace>{WORKSPACE})(?P<rest>{API_REST})(?:\?[^#]*)?", re.ASCII)
_UPLOAD = re.compile(r"/apis/[^/]+/pipelines/upload(?:_version)?/?")


def instance_of(uri: str) -> str | None:
    """The namespace that a path and query below `PATH` name; None where it is not written plainly."""
    match = _ADDRESS.fullmatch(uri)
    return match["namespace"] if match else None


def uploads(uri: str) -> bool:
    """Whether a path and query below `PATH` take a pipeline in. The server asks no method there: GET with a body makes
    one as POST does."""
    match = _ADDRESS.fullmatch(uri)
    return match is not None and _UPLOAD.fullmatch(match["rest"]) is not None


def service_of(namespace: str) -> str:
    """`service.namespace` of a workspace's instance, without the cluster's domain."""
    return f"{SERVICE}.{namespace}"
