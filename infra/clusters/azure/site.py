"""What every part of the program on Azure needs to know."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from infra.clusters.azure.names import Names
from infra.clusters.azure.shape import Shape
from infra.profile.azure import Azure
from infra.profile.model import Profile


@dataclass(frozen=True)
class Site:
    """One installation on Azure."""

    profile: Profile
    azure: Azure
    names: Names
    shape: Shape
    tags: dict[str, str]
    provider: pulumi.ProviderResource
    """With the profile's subscription and tenant, whatever the credentials' own default is."""

    @property
    def keep(self) -> bool:
        """Whether data may not be deleted."""
        return self.azure.deletion_protection

    def options(self) -> pulumi.ResourceOptions:
        """Of a component at the top; what is below inherits the provider."""
        return pulumi.ResourceOptions(providers=[self.provider])
