"""Section `aws` of a profile."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from infra.profile.cloud import Cloud


def _account(value: object) -> object:
    """YAML reads twelve digits as a number. With a 0 in front it would be another one, so that needs quotes."""
    if not isinstance(value, int) or isinstance(value, bool):
        return value
    text = str(value)
    if len(text) != 12:
        raise ValueError("must be 12 digits, in quotes where the first is 0")
    return text


AccountId = Annotated[str, BeforeValidator(_account), Field(pattern=r"^[0-9]{12}$")]
_PRINCIPAL = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[\w+=,.@/-]+")
_POLICY = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:policy/[\w+=,.@/-]+")
_ARM = re.compile(r"[a-z]+[0-9]+[a-z]*g[a-z]*\..+|a1\..+")
"""Graviton: a `g` behind the generation's number, as in m7g.large or c7gn.xlarge; g6.xlarge is none."""


def _principal(value: str) -> str:
    if not _PRINCIPAL.fullmatch(value):
        raise ValueError("must be the ARN of an IAM role or user such as arn:aws:iam::123456789012:role/admin")
    return value


def _policy(value: str) -> str:
    if not _POLICY.fullmatch(value):
        raise ValueError("must be the ARN of an IAM policy such as arn:aws:iam::123456789012:policy/boundary")
    return value


Principal = Annotated[str, AfterValidator(_principal)]
PolicyArn = Annotated[str, AfterValidator(_policy)]


class Aws(Cloud):
    """EKS and what it needs in one region of one AWS account."""

    account: AccountId
    """The account's number: credentials of another one are refused. Immutable."""
    region: Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")]
    """Such as eu-central-1. Immutable."""
    zone_names: tuple[Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9][a-z]$")], ...] = ()
    """Availability zones, where the account has others than the region's usual ones; two or more, since EKS and the
    database want two even where `zones` is 1. Immutable."""
    administrators: tuple[Principal, ...] = ()
    """IAM roles and users that administer the cluster, beside who made it."""
    identity: Literal["pod-identity", "irsa"] = "pod-identity"
    """How pods get their AWS role: EKS Pod Identity, or IAM roles for service accounts through OIDC."""
    permissions_boundary: PolicyArn | None = None
    """ARN of the policy that bounds every role the platform makes for workspaces; one of its own where none is
    given."""
    log_days: Literal[7, 14, 30, 60, 90, 180, 365, 731] = 90
    """Days that logs of the control plane, the network and the database are kept."""

    @model_validator(mode="after")
    def _fits_aws(self) -> Self:
        length = ipaddress.IPv4Network(self.network).prefixlen
        if not 16 <= length <= 20:
            raise ValueError(f"network {self.network} has prefix length {length}; a VPC for EKS needs one of 16 to 20")
        if self.zone_names and len(self.zone_names) < max(2, self.zones):
            raise ValueError(f"zone_names has {len(self.zone_names)} zones, needed are {max(2, self.zones)}")
        if len(set(self.zone_names)) != len(self.zone_names):
            raise ValueError("zone_names has a zone twice")
        for zone in self.zone_names:
            if zone[:-1] != self.region:
                raise ValueError(f"zone {zone} is not in region {self.region}")
        for pool in self.pools:
            if pool.machine and _ARM.fullmatch(pool.machine):
                raise ValueError(f"pool {pool.name!r}: {pool.machine} has Arm processors; images are built for x86-64")
        return self

    def registry(self, installation: str) -> str:
        suffix = ".cn" if self.region.startswith("cn-") else ""
        return f"{self.account}.dkr.ecr.{self.region}.amazonaws.com{suffix}/mlp-{installation}/"
