"""What every part of the program on GCP needs to know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from infra.clusters.gcp.names import Names
from infra.clusters.gcp.shape import Shape
from infra.profile.gcp import Gcp
from infra.profile.model import Profile


@dataclass(frozen=True)
class Site:
    """One installation on GCP."""

    profile: Profile
    gcp: Gcp
    names: Names
    shape: Shape
    labels: dict[str, str]
    provider: pulumi.ProviderResource
    """With the profile's project and region, whatever the credentials' own default is."""
    number: pulumi.Output[str]
    """The project's number."""
    services: Sequence[pulumi.Resource]
    """The APIs that are switched on: nothing is made before them, nor outlives them."""

    @property
    def keep(self) -> bool:
        """Whether data may not be deleted."""
        return self.gcp.deletion_protection

    def options(self) -> pulumi.ResourceOptions:
        """Of a component at the top; what is below inherits the provider."""
        return pulumi.ResourceOptions(providers=[self.provider])

    def below(
        self, parent: pulumi.Resource, *after: pulumi.Resource, protect: bool = False, **more: Any
    ) -> pulumi.ResourceOptions:
        """Of a resource of a component. `protect`: whether it is data, which is kept while the profile says so."""
        return pulumi.ResourceOptions(
            parent=parent, depends_on=[*self.services, *after], protect=protect and self.keep, **more
        )
