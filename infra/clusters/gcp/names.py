"""Names and labels of everything that an installation has on GCP. Pure: the same for the same profile.

Two names are Pulumi's own, with a random end: the key ring's, since key rings can never be deleted, and the database
server's, since the name of a deleted one is taken for a week. With fixed names, `up` after `down` would fail.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from infra.profile.gcp import Gcp
from infra.profile.model import Profile

LABEL_INSTALLATION = "mlp-installation"
LABEL_MANAGED_BY = "managed-by"
MANAGED_BY = "mlp"

ACCOUNT_MAX = 30
"""Letters of a service account's id."""


def gcp_of(profile: Profile) -> Gcp:
    """The section `gcp`. Raises ValueError for a profile of another target."""
    if profile.gcp is None:
        raise ValueError(f"profile {profile.name!r} has target {profile.target!r}, not gcp")
    return profile.gcp


@dataclass(frozen=True)
class Names:
    """Names of one installation."""

    installation: str
    project: str

    @property
    def prefix(self) -> str:
        """The name of what there is one of: network, cluster, repository of images; the beginning of other names."""
        return f"mlp-{self.installation}"

    def of(self, part: str) -> str:
        """Name of one of several, such as `mlp-prod-nodes`."""
        return f"{self.prefix}-{part}"

    def account(self, part: str) -> str:
        """Id of a service account: as `of`, ending in a digest where that would be too long."""
        name = self.of(part)
        if len(name) <= ACCOUNT_MAX:
            return name
        return f"{name[: ACCOUNT_MAX - 7].rstrip('-')}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"

    def email(self, part: str) -> str:
        """Address of that service account."""
        return f"{self.account(part)}@{self.project}.iam.gserviceaccount.com"

    def bucket(self, part: str) -> str:
        """Names of buckets are shared with the whole world: the end tells projects apart."""
        return f"{self.of(part)}-{hashlib.sha256(self.project.encode()).hexdigest()[:8]}"

    def role(self, part: str) -> str:
        """Id of a custom role, which takes no dashes."""
        return self.of(part).replace("-", "_")

    @property
    def pool(self) -> str:
        """The project's pool of workload identities."""
        return f"{self.project}.svc.id.goog"

    def principal(self, number: str, account: str) -> str:
        """IAM's member for a service account of Kubernetes, given as `namespace/name`. `number`: the project's."""
        namespace, _, name = account.partition("/")
        pool = f"projects/{number}/locations/global/workloadIdentityPools/{self.pool}"
        return f"principal://iam.googleapis.com/{pool}/subject/ns/{namespace}/sa/{name}"


def names(profile: Profile) -> Names:
    """Names of a profile's installation."""
    return Names(profile.name, gcp_of(profile).project)


def labels(profile: Profile) -> dict[str, str]:
    """On everything that takes labels; the platform's own win over those of the profile."""
    return {**gcp_of(profile).tags, LABEL_INSTALLATION: profile.name, LABEL_MANAGED_BY: MANAGED_BY}
