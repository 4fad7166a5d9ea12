"""A cluster that is there already, by its kubeconfig. Nothing is made; it is only asked what it is."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import yaml
from lightkube.config import client_adapter
from lightkube.config.kubeconfig import KubeConfig
from lightkube.core.exceptions import ConfigError

from components.facts import Network
from infra.clusters.errors import ClusterError
from infra.clusters.outputs import ClusterOutputs
from infra.installation.home import expanded

_VERSION = "/version"
_API_SERVERS = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
_OF_API_SERVERS = {"labelSelector": "kubernetes.io/service-name=kubernetes"}

_INLINED = {
    "cluster": {"certificate-authority": "certificate-authority-data"},
    "user": {"client-certificate": "client-certificate-data", "client-key": "client-key-data"},
}
"""Keys that name files → keys that hold the same in base64."""


def single_context(document: Mapping[str, Any], context: str | None, folder: Path) -> dict[str, Any]:
    """The kubeconfig of one context alone, complete in itself: files it names are read (relative to `folder`).

    Raises ClusterError naming what is missing.
    """
    wanted = context or document.get("current-context")
    if not wanted:
        raise ClusterError("the kubeconfig has no current context; set existing.context in the profile")
    chosen = _named(document, "contexts", "context", str(wanted))
    cluster = _inline("cluster", _named(document, "clusters", "cluster", str(chosen.get("cluster"))), folder)
    user = _inline("user", _named(document, "users", "user", str(chosen.get("user"))), folder)
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": str(wanted),
        "contexts": [{"name": str(wanted), "context": {**chosen, "cluster": "cluster", "user": "user"}}],
        "clusters": [{"name": "cluster", "cluster": cluster}],
        "users": [{"name": "user", "user": user}],
    }


def _named(document: Mapping[str, Any], group: str, kind: str, name: str) -> dict[str, Any]:
    entries = document.get(group) or []
    for entry in entries:
        if entry.get("name") == name:
            return dict(entry.get(kind) or {})
    known = ", ".join(str(entry.get("name")) for entry in entries) or "none"
    raise ClusterError(f"the kubeconfig has no {kind} {name!r}; it has: {known}")


def _inline(part: str, values: dict[str, Any], folder: Path) -> dict[str, Any]:
    made = dict(values)
    for file_key, data_key in _INLINED[part].items():
        if file_key in made:
            path = folder / str(made.pop(file_key))
            try:
                made[data_key] = base64.b64encode(path.read_bytes()).decode()
            except OSError as error:
                raise ClusterError(f"{path}, which the kubeconfig names, can't be read: {error.strerror}") from error
    return made


def existing_cluster(kubeconfig: str, context: str | None, pods: str, services: str, nodes: str) -> ClusterOutputs:
    """Reads the kubeconfig and asks the cluster for its version and the addresses of its API servers.

    The ranges are the profile's word: no cluster can be asked for them. Raises ClusterError.
    """
    path = expanded(kubeconfig)
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ClusterError(f"{path} can't be read: {error.strerror}; set existing.kubeconfig") from error
    except yaml.YAMLError as error:
        raise ClusterError(f"{path} is not YAML: {error}") from error
    if not isinstance(document, dict):
        raise ClusterError(f"{path} is not a kubeconfig")
    single = single_context(document, context, path.parent)
    server = str(single["clusters"][0]["cluster"].get("server", ""))
    version, slices = _ask(single, server)
    return ClusterOutputs(
        kubeconfig=yaml.safe_dump(single, sort_keys=False),
        api_server=server,
        kubernetes_version=str(version["gitVersion"]),
        network=Network(pods=pods, services=services, nodes=nodes, api_server_endpoints=endpoints(slices["items"])),
    )


def endpoints(slices: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """`address:port` of every endpoint of EndpointSlice objects."""
    return tuple(
        f"[{address}]:{port['port']}" if ":" in address else f"{address}:{port['port']}"
        for piece in slices
        for endpoint in piece.get("endpoints") or ()
        for address in endpoint["addresses"]
        for port in piece.get("ports") or ()
    )


def _ask(single: dict[str, Any], server: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """(version, EndpointSlices of service `kubernetes`). Raises ClusterError with what the cluster said."""
    try:
        config = KubeConfig.from_dict(single).get()
        if config is None:
            raise ConfigError("the kubeconfig has no current context")
        local = urlsplit(server).hostname in {"localhost", "127.0.0.1", "::1"}
        parameters = client_adapter.ConnectionParams(timeout=httpx2.Timeout(20), trust_env=not local)
        with client_adapter.Client(config, parameters) as client:
            version = client.get(_VERSION).raise_for_status().json()
            slices = client.get(_API_SERVERS, params=_OF_API_SERVERS).raise_for_status().json()
    except (ConfigError, OSError, ValueError, httpx2.HTTPError) as error:
        raise ClusterError(f"the cluster at {server} can't be used: {error}") from error
    return version, slices
