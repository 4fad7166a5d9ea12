"""A component as a Pulumi ComponentResource. Only the installer imports this module."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pulumi

from components.contract import Component, ComponentSettings, Install, KubernetesObject

COMPONENT = "mlp:components:Component"
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


def declared(obj: KubernetesObject) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The properties of an object's resource, and those of them that are secret. A resource is done when the object is
    ready, but for Services: those are ready once pods stand behind them, which the workload's own wait tells."""
    properties = dict(obj)
    match obj["apiVersion"], obj["kind"]:
        case "v1", "Secret":
            return properties, _SECRET_FIELDS
        case "v1", "Service":
            metadata = obj["metadata"]
            annotations = {**(metadata.get("annotations") or {}), _SKIP_AWAIT: "true"}
            properties["metadata"] = {**metadata, "annotations": annotations}
    return properties, ()


def register(name: str, obj: KubernetesObject, options: pulumi.ResourceOptions) -> pulumi.CustomResource:
    """A rendered object as a resource. Values may be outputs. A Secret's data is secret in state and outputs."""
    properties, hidden = declared(obj)
    if hidden:
        options = pulumi.ResourceOptions.merge(pulumi.ResourceOptions(additional_secret_outputs=list(hidden)), options)
        properties |= {key: pulumi.Output.secret(obj[key]) for key in hidden if key in obj}
    return pulumi.CustomResource(type_token(obj), name, properties, options)


def own_kinds(objects: Iterable[KubernetesObject]) -> frozenset[tuple[str, str]]:
    """API group and kind of every custom resource that the objects define."""
    definitions = (obj["spec"] for obj in objects if obj["kind"] == "CustomResourceDefinition")
    return frozenset((str(spec["group"]), str(spec["names"]["kind"])) for spec in definitions)


def _kind(obj: KubernetesObject) -> tuple[str, str]:
    return str(obj["apiVersion"]).rpartition("/")[0], str(obj["kind"])


class InstalledComponent(pulumi.ComponentResource):
    """Registers a component's objects: its namespace and kinds first, then what workloads read, then workloads, then
    objects of its own kinds, which its webhooks judge."""

    version: pulumi.Output[str]

    def __init__(
        self,
        component: Component[Any],
        settings: ComponentSettings,
        install: Install,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(COMPONENT, component.name, {"version": component.version}, opts)

        def registered(obj: KubernetesObject, after: list[pulumi.Resource]) -> pulumi.Resource:
            return register(resource_name(obj), obj, pulumi.ResourceOptions(parent=self, depends_on=list(after)))

        first: list[pulumi.Resource] = []
        middle: list[pulumi.Resource] = []
        workloads: list[pulumi.Resource] = []
        objects = component.objects(settings, install)
        own = own_kinds(objects)
        for obj in sorted(objects, key=lambda each: _kind(each) in own):
            kind = str(obj["kind"])
            if kind in _BEFORE_WORKLOADS:
                first.append(registered(obj, []))
            elif _kind(obj) in own:
                registered(obj, [*first, *middle, *workloads])
            elif kind in _WORKLOADS:
                workloads.append(registered(obj, [*first, *middle]))
            elif kind == "Service":
                # Ready once a pod stands behind it, so no workload may wait for it.
                registered(obj, first)
            else:
                middle.append(registered(obj, first))
        self.version = pulumi.Output.from_input(component.version)
        self.register_outputs({"version": self.version})
