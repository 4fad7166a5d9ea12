"""The stacks `components` and `controlplane`: one bill of materials, with every component after what it requires."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.contract import Component, ComponentSettings, Install
from components.resource import InstalledComponent
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
        pulumi.export("components", {component.name: component.version for component, _ in self.components})
