"""Section `aws` of a profile."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from infra.profile.cloud import Cloud

AccountId = Annotated[str, Field(pattern=r"^[0-9]{12}$")]


class Aws(Cloud):
    """EKS and what it needs in one region of one AWS account."""

    account: AccountId
    """The account's number: credentials of another one are refused. Immutable."""
    region: Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")]
    """Such as eu-central-1. Immutable."""
    identity: Literal["pod-identity", "irsa"] = "pod-identity"
    """How pods get their AWS role: EKS Pod Identity, or IAM roles for service accounts through OIDC."""
    permissions_boundary: str | None = None
    """ARN of the policy that bounds every role the platform makes for workspaces."""

    def registry(self, installation: str) -> str:
        suffix = ".cn" if self.region.startswith("cn-") else ""
        return f"{self.account}.dkr.ecr.{self.region}.amazonaws.com{suffix}/mlp-{installation}/"
