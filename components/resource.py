"""A component as a Pulumi ComponentResource. Only the installer imports this module."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

from components.contract import Component, ComponentSettings, Install, KubernetesObject

_TYPE = "mlp:components:Component"
_BEFORE_WORKLOADS = frozenset({"Namespace", "CustomResourceDefinition"})
_WORKLOADS = frozenset({"DaemonSet", "Deployment", "Job", "StatefulSet"})
_SECRET_FIELDS = ("data", "stringData")
_SKIP_AWAIT = "pulumi.com/skipAwait"


def resource_name(obj: KubernetesObject) -> str:
    """A name that stays as long as the object does: kind, namespace and name, not a place in a list."""
    metadata: Mapping[str, Any] = obj["metadata"]
    parts = (str(obj["kind"]).lower(), metadata.get("namespace"), metadata["name"])
    return "/".join(str(part) for part in parts if part)


def type_token(obj: KubernetesObject) -> str:
    """Such as `kubernetes:core/v1:ConfigMap`; custom kinds follow the same rule."""
    version = str(obj["apiVersion"])
    return f"kubernetes:{'core/v1' if version == 'v1' else version}:{obj['kind']}"


class InstalledComponent(pulumi.ComponentResource):
    """Registers a component's objects: its namespace and kinds first, then what workloads read, then workloads."""

    version: pulumi.Output[str]

    def __init__(
        self,
        component: Component[Any],
        settings: ComponentSettings,
        install: Install,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(_TYPE, component.name, {"version": component.version}, opts)
        first: list[pulumi.Resource] = []
        middle: list[pulumi.Resource] = []
        for obj in component.objects(settings, install):
            kind = str(obj["kind"])
            if kind in _BEFORE_WORKLOADS:
                first.append(self._register(obj, []))
            elif kind in _WORKLOADS:
                self._register(obj, [*first, *middle])
            elif kind == "Service":
                # Ready once a pod stands behind it, so no workload may wait for it.
                self._register(obj, first)
            else:
                middle.append(self._register(obj, first))
        self.version = pulumi.Output.from_input(component.version)
        self.register_outputs({"version": self.version})

    def _register(self, obj: KubernetesObject, after: list[pulumi.Resource]) -> pulumi.Resource:
        properties = dict(obj)
        options = pulumi.ResourceOptions(parent=self, depends_on=list(after))
        if obj["kind"] == "Secret":
            options.additional_secret_outputs = list(_SECRET_FIELDS)
            properties |= {key: pulumi.Output.secret(obj[key]) for key in _SECRET_FIELDS if key in obj}
        if obj["kind"] == "Service":
            # A Service is ready once pods stand behind it, and here its pods come after it.
            metadata = obj["metadata"]
            annotations = {**(metadata.get("annotations") or {}), _SKIP_AWAIT: "true"}
            properties["metadata"] = {**metadata, "annotations": annotations}
        return pulumi.CustomResource(type_token(obj), resource_name(obj), properties, options)
