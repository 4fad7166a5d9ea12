"""Section `gcp` of a profile."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from infra.profile.cloud import Cloud


class Gcp(Cloud):
    """GKE and what it needs in one region of one project."""

    project: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{4,28}[a-z0-9]$")]
    """The project's id. Immutable."""
    region: Annotated[str, Field(pattern=r"^[a-z]+-[a-z]+[0-9]+$")]
    """Such as europe-west4. Immutable."""

    def registry(self, installation: str) -> str:
        return f"{self.region}-docker.pkg.dev/{self.project}/mlp-{installation}/"
