"""The stacks `components` and `controlplane`: one bill of materials, with every component after what it requires."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.contract import Component, ComponentSettings, Install
from components.resource import COMPONENT, InstalledComponent, declared, resource_name, type_token
from infra.engine.declared import Declaration, Declared
from infra.engine.model import PROJECT
from infra.stacks.objects import KubernetesProvider


@dataclass(frozen=True)
class Bill:
    """What a stack installs. `kubeconfig` is the cluster administrator's, as text."""

    kubeconfig: str
    components: Sequence[tuple[Component[Any], ComponentSettings]]
    install: Install

    def __call__(self) -> None:
        """The Pulumi program: declares every component and exports their versions."""
        provider = KubernetesProvider("cluster", kubeconfig=self.kubeconfig, cluster=self.install.facts.installation)
        installed: dict[str, InstalledComponent] = {}
        for component, settings in self.components:
            before = (*component.requires, *component.after)
            required = [installed[name] for name in before if name in installed]
            installed[component.name] = InstalledComponent(
                component,
                settings,
                self.install,
                opts=pulumi.ResourceOptions(providers={"kubernetes": provider}, depends_on=required),
            )
        pulumi.export("components", self._versions)

    def declaration(self, stack: str) -> Declaration:
        """What `infra.engine.declared.declare` says of the program's objects, but for their dependencies: found without
        running it, which takes a process of its own."""
        found = []
        for component, settings in self.components:
            parent = f"urn:pulumi:{stack}::{PROJECT}::{COMPONENT}::{component.name}"
            for obj in component.objects(settings, self.install):
                properties, hidden = declared(obj)
                kind, name = type_token(obj), resource_name(obj)
                urn = f"urn:pulumi:{stack}::{PROJECT}::{COMPONENT}${kind}::{name}"
                found.append(Declared(urn, kind, name, _as_sent(properties), parent, secrets=hidden))
        return Declaration(tuple(sorted(found, key=lambda one: one.urn)), {"components": self._versions})

    @property
    def _versions(self) -> dict[str, str]:
        return {component.name: component.version for component, _ in self.components}


def _as_sent(value: Any) -> Any:
    """A value as it comes out of Pulumi's protocol: mappings without what is None, and lists."""
    if isinstance(value, Mapping):
        return {str(key): _as_sent(below) for key, below in value.items() if below is not None}
    if isinstance(value, list | tuple):
        return [_as_sent(below) for below in value]
    return value
