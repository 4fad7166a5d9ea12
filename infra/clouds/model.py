"""What every cloud answers, whichever SDK asks it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from infra.preflight.model import Finding


class CloudError(Exception):
    """A cloud can't be asked, or refused: fact, the cloud's own words, remedy. Never holds a credential."""


class SdkMissing(CloudError):
    """The cloud's SDK is not installed; the message is the command that installs it."""

    def __init__(self, cloud: str, package: str) -> None:
        lock = f"infra/clouds/{cloud}/requirements.lock"
        super().__init__(
            f"Target {cloud} needs the package {package}, which is not installed. Run: "
            f".venv/bin/uv pip install --python .venv/bin/python --require-hashes -r {lock}"
        )


@dataclass(frozen=True)
class Orphan:
    """Something in the cloud that bears an installation's tag and that no stack knows."""

    kind: str
    """In the cloud's words, such as `ec2:volume`."""
    identity: str
    """What the cloud's own tools take: ARN, self link or resource id."""
    remedy: str
    """The command or page that removes it."""


class Cloud(Protocol):
    """One cloud with one person's credentials. Nothing here changes anything."""

    def check(self) -> Sequence[Finding]:
        """Preflight: identity, rights, quotas, zones and machine types, versions, names. Findings in that order; each
        question that could not be asked is a finding with its remedy, never an exception."""

    def orphans(self) -> Sequence[Orphan]:
        """What still bears the installation's tag. Raises CloudError."""

    def prices(self, skus: Sequence[str]) -> Mapping[str, float]:
        """US dollars for a unit of each SKU (the keys of the price file) in the profile's region, by the cloud's price
        API; those it does not know are left out. Raises CloudError."""
