"""GCP with one person's credentials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from infra.clouds.gcp.checks import Checks
from infra.clouds.gcp.orphans import orphans
from infra.clouds.gcp.prices import prices
from infra.clouds.gcp.session import Api, open_api
from infra.clouds.model import Orphan
from infra.clusters.gcp.names import gcp_of
from infra.preflight.model import Finding
from infra.profile.model import Profile


@dataclass(frozen=True)
class GcpCloud:
    """One profile's project and region. Nothing here changes anything."""

    api: Api
    profile: Profile

    def check(self) -> Sequence[Finding]:
        return Checks(self.api, self.profile).all()

    def orphans(self) -> Sequence[Orphan]:
        return orphans(self.api, self.profile)

    def prices(self, skus: Sequence[str]) -> Mapping[str, float]:
        return prices(self.api, gcp_of(self.profile).region, skus)


def open_cloud(profile: Profile) -> GcpCloud:
    """Raises CloudError where nobody is signed in."""
    return GcpCloud(open_api(gcp_of(profile).project), profile)
