"""Azure with one person's credentials, for one profile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.clouds.model import Cloud, Orphan, SdkMissing
from infra.clusters.azure.names import azure_of
from infra.preflight.model import Finding
from infra.profile.model import Profile

if TYPE_CHECKING:
    from infra.clouds.azure.session import Session


@dataclass(frozen=True)
class AzureCloud:
    """Questions only."""

    profile: Profile
    session: Session

    def check(self) -> Sequence[Finding]:
        """Identity first; where that fails nothing else is asked."""
        from infra.clouds.azure.checks import checks

        return checks(self.profile, self.session).run()

    def orphans(self) -> Sequence[Orphan]:
        """By the installation's tag, in every resource group of the subscription. Raises CloudError."""
        from infra.clouds.azure.orphans import orphans

        return orphans(self.session, self.profile.name)

    def prices(self, skus: Sequence[str]) -> Mapping[str, float]:
        """List prices of the profile's location, in US dollars. Raises CloudError."""
        from infra.clouds.azure.prices import prices

        return prices(self.session, azure_of(self.profile).location, skus)


def open_cloud(profile: Profile) -> Cloud:
    """Asks nothing yet. Raises SdkMissing."""
    azure = azure_of(profile)
    try:
        from infra.clouds.azure.session import session
    except ModuleNotFoundError as error:
        raise SdkMissing("azure", error.name or "azure-identity") from error
    return AzureCloud(profile, session(azure.subscription, azure.tenant))
