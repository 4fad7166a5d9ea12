"""What every part of the AWS program knows: names, tags, ARNs, and who keeps what from being deleted. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

TAG = "mlp:installation"
"""Tag key by which everything of an installation is found; its value is the installation's name."""
MANAGED_TAG = "managed-by"
MANAGED_BY = "mlp"


@dataclass(frozen=True)
class Scope:
    """One installation in one region of one account."""

    installation: str
    account: str
    region: str
    extra_tags: tuple[tuple[str, str], ...]
    protected: bool
    """Whether data may not be deleted."""

    @property
    def base(self) -> str:
        """Prefix of every name, and the cluster's name. At most 28 long."""
        return f"mlp-{self.installation}"

    @property
    def partition(self) -> str:
        """`aws`, `aws-cn` or `aws-us-gov`."""
        return partition(self.region)

    @property
    def dns_suffix(self) -> str:
        """Domain of the services' endpoints."""
        return "amazonaws.com.cn" if self.partition == "aws-cn" else "amazonaws.com"

    def name(self, part: str) -> str:
        """`mlp-<installation>-<part>`."""
        return f"{self.base}-{part}"

    def role_name(self, part: str) -> str:
        """Of a role: `mlp-<installation>-<part>-role`."""
        return self.name(f"{part}-role")

    def bucket(self, part: str) -> str:
        """Names of buckets are unique in the world, hence the account. At most 63 long for parts up to 22."""
        return f"{self.base}-{self.account}-{part}"

    def tags(self, name: str = "", more: Mapping[str, str] | None = None) -> dict[str, str]:
        """Tags of a resource. The platform's own win over the profile's."""
        named = {"Name": name} if name else {}
        return {**dict(self.extra_tags), **(more or {}), **named, TAG: self.installation, MANAGED_TAG: MANAGED_BY}

    def arn(self, service: str, resource: str, *, regional: bool = True) -> str:
        """ARN of something in this account; `regional` False for IAM."""
        return f"arn:{self.partition}:{service}:{self.region if regional else ''}:{self.account}:{resource}"

    def role(self, name: str, path: str = "/") -> str:
        """ARN of a role in this account."""
        return self.arn("iam", f"role{path}{name}", regional=False)

    def aws_policy(self, name: str) -> str:
        """ARN of a policy that AWS maintains."""
        return f"arn:{self.partition}:iam::aws:policy/{name}"

    @property
    def root(self) -> str:
        """The account itself, as a principal: whoever IAM allows."""
        return self.arn("iam", "root", regional=False)

    @property
    def cluster_arn(self) -> str:
        """ARN of the EKS cluster."""
        return self.arn("eks", f"cluster/{self.base}")


def partition(region: str) -> str:
    """The part of AWS that a region is in."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"
