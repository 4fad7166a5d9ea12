"""AWS with one person's credentials, for one profile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.clouds.model import Cloud, Orphan, SdkMissing
from infra.preflight.model import Finding
from infra.profile.model import Profile

if TYPE_CHECKING:
    from infra.clouds.aws.session import Session


@dataclass(frozen=True)
class AwsCloud:
    """Questions only."""

    profile: Profile
    session: Session

    def check(self) -> Sequence[Finding]:
        """Identity first; where that fails nothing else is asked."""
        from infra.clouds.aws.checks import checks

        return checks(self.profile, self.session)

    def orphans(self) -> Sequence[Orphan]:
        """By the installation's tag, in the profile's region. Raises CloudError."""
        from infra.clouds.aws.orphans import orphans

        return orphans(self.profile, self.session)

    def prices(self, skus: Sequence[str]) -> Mapping[str, float]:
        """List prices of the profile's region; of spot machines, what they cost now. Raises CloudError."""
        from infra.clouds.aws.prices import prices

        return prices(self.session, skus)


def open_cloud(profile: Profile) -> Cloud:
    """Asks nothing yet. Raises SdkMissing."""
    if profile.aws is None:
        raise ValueError(f"target {profile.target!r} is not aws")
    try:
        from infra.clouds.aws.session import Session
    except ModuleNotFoundError as error:
        raise SdkMissing("aws", error.name or "boto3") from error
    return AwsCloud(profile, Session(profile.aws.region))
