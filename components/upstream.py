"""What a component takes over of the objects that a pinned module brings: definitions of kinds, and webhooks. Pure.

Everything else (workloads, rights, network policies) a component says itself, so that an update of the module cannot
widen them unseen.
"""

from __future__ import annotations

import base64
import copy
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from components import kubernetes as k8s
from components.contract import Install, KubernetesObject
from components.names import LABEL_TENANT, component_namespace

WEBHOOK_PORT = 9443
"""Container port at which controllers of the field serve their webhooks."""
WORKSPACES_ONLY: dict[str, Any] = {"matchExpressions": [{"key": LABEL_TENANT, "operator": "Exists"}]}
"""Selector of namespaces: elsewhere nobody waits for a webhook, so a broken one blocks nothing of the platform."""


@dataclass(frozen=True)
class Server:
    """The Service behind a component's webhooks, on port 443, and the authority of its certificate (PEM)."""

    component: str
    service: str
    ca: str

    def config(self, path: str) -> dict[str, Any]:
        """`clientConfig` of one webhook."""
        service = {"name": self.service, "namespace": component_namespace(self.component), "path": path, "port": 443}
        return {"service": service, "caBundle": base64.b64encode(self.ca.encode()).decode()}


def objects_of(install: Install, name: str, kind: str) -> tuple[KubernetesObject, ...]:
    """The module's objects of a kind. None where nothing was fetched yet, which only plans see."""
    return tuple(obj for obj in install.upstream.get(name, ()) if obj["kind"] == kind)


def definitions(
    install: Install,
    name: str,
    component: str,
    *,
    only: str = "",
    but: Collection[str] = (),
) -> tuple[KubernetesObject, ...]:
    """The module's CustomResourceDefinitions as the component's own, but those named. `only`: the one version that is
    served and stored; several of them would need a server that converts."""
    return tuple(
        _definition(obj, component, only)
        for obj in objects_of(install, name, "CustomResourceDefinition")
        if obj["metadata"]["name"] not in but
    )


def _definition(obj: KubernetesObject, component: str, only: str) -> KubernetesObject:
    versions = [_version(version) for version in obj["spec"]["versions"] if only in ("", version["name"])]
    if only:
        versions = [{**version, "storage": True} for version in versions]
    spec = {key: copy.deepcopy(value) for key, value in obj["spec"].items() if key not in ("conversion", "versions")}
    spec["versions"] = versions
    # Kinds in the groups of Kubernetes itself say by which proposal.
    noted = obj["metadata"].get("annotations") or {}
    approved = {key: value for key, value in noted.items() if key == "api-approved.kubernetes.io"}
    return k8s.obj(
        "apiextensions.k8s.io/v1", "CustomResourceDefinition", component, obj["metadata"]["name"],
        namespaced=False, annotations=approved, spec=spec,
    )  # fmt: skip


def _version(version: dict[str, Any]) -> dict[str, Any]:
    # Nothing of a schema is shared with what it was made from, and copying it first would take as long again.
    rest = {key: copy.deepcopy(value) for key, value in version.items() if key != "schema"}
    if "schema" not in version:
        return rest
    schema = _without_prose(version["schema"]["openAPIV3Schema"])
    return {**rest, "schema": {**version["schema"], "openAPIV3Schema": schema}}


def _without_prose(schema: Any) -> Any:
    """A schema without its descriptions: most of its bytes, which the state would hold and every plan compare."""
    if isinstance(schema, list):
        return [_without_prose(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if not (key == "description" and isinstance(value, str))}
    # A field may itself be called `description`: what lies below `properties` then is a schema, no text.
    return {key: _without_prose(value) for key, value in kept.items()}


def webhooks(
    install: Install, name: str, server: Server, wanted: Callable[[str], bool] = lambda _: True
) -> tuple[KubernetesObject, ...]:
    """The module's webhooks whose names are `wanted`, for objects of workspaces and cluster-wide kinds only. They fail
    closed."""
    found = []
    for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
        kept = [hook for obj in objects_of(install, name, kind) for hook in obj["webhooks"] if wanted(hook["name"])]
        if kept:
            made = k8s.obj(
                "admissionregistration.k8s.io/v1", kind, server.component, f"mlp-{server.component}-{name}",
                namespaced=False, webhooks=[_webhook(hook, server) for hook in kept],
            )  # fmt: skip
            found.append(made)
    return tuple(found)


def _webhook(hook: dict[str, Any], server: Server) -> dict[str, Any]:
    return {
        **copy.deepcopy(hook),
        "clientConfig": server.config(hook["clientConfig"]["service"]["path"]),
        "failurePolicy": "Fail",
        "namespaceSelector": WORKSPACES_ONLY,
        "timeoutSeconds": 10,
    }
