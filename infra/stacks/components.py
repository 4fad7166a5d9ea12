"""The stacks `components` and `controlplane`: one bill of materials, with every component after what it requires."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.contract import Component, ComponentSettings, Install
from components.resource import InstalledComponent


@dataclass(frozen=True)
class Bill:
    """What a stack installs. `kubeconfig` is the cluster administrator's, as text."""

    kubeconfig: str
    components: Sequence[tuple[Component[Any], ComponentSettings]]
    install: Install

    def __call__(self) -> None:
        """The Pulumi program: declares every component and exports their versions."""
        provider = kubernetes_provider(self.kubeconfig)
        installed: dict[str, InstalledComponent] = {}
        for component, settings in self.components:
            required = [installed[name] for name in component.requires if name in installed]
            installed[component.name] = InstalledComponent(
                component,
                settings,
                self.install,
                opts=pulumi.ResourceOptions(providers={"kubernetes": provider}, depends_on=required),
            )
        pulumi.export("components", {component.name: component.version for component, _ in self.components})


def kubernetes_provider(kubeconfig: str) -> pulumi.ProviderResource:
    """The provider of every Kubernetes resource; ours and the official plugin take the same inputs."""
    properties: Mapping[str, Any] = {
        "kubeconfig": pulumi.Output.secret(kubeconfig),
        "enableServerSideApply": True,
    }
    return pulumi.ProviderResource("kubernetes", "cluster", dict(properties))
