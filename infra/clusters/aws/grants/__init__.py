"""What the installer must be allowed to do to make, read, change and remove each type of resource."""

from __future__ import annotations

from collections.abc import Mapping

from infra.clusters.aws.grants.data import DATA
from infra.clusters.aws.grants.kubernetes import KUBERNETES
from infra.clusters.aws.grants.model import Condition, Grant, read
from infra.clusters.aws.grants.network import NETWORK

TYPES: Mapping[str, tuple[Grant, ...]] = {**NETWORK, **KUBERNETES, **DATA}
"""Type token → grants."""

EVERYWHERE: tuple[Grant, ...] = (
    # Tags: as things are made, and later on what is ours.
    Grant(("ec2:CreateTags",), ("*",), "creating"),
    Grant(("ec2:CreateTags", "ec2:DeleteTags"), ("ec2:*/*",), "ours"),
    # Preflight, prices, and the search for what is left.
    read(
        "ec2:DescribeAccountAttributes",
        "ec2:DescribeAvailabilityZones",
        "ec2:DescribeFleets",
        "ec2:DescribeInstanceTypeOfferings",
        "ec2:DescribeInstanceTypes",
        "ec2:DescribeInstances",
        "ec2:DescribeSpotInstanceRequests",
        "ec2:DescribeSpotPriceHistory",
        "eks:DescribeClusterVersions",
        "iam:ListInstanceProfiles",
        "iam:ListOpenIDConnectProviders",
        "iam:ListPolicies",
        "iam:ListRoles",
        "pricing:GetProducts",
        "tag:GetResources",
    ),
    Grant(("servicequotas:GetServiceQuota",), ("servicequotas:ec2/*", "servicequotas:vpc/*")),
    # May I do all this? Asked of ourselves.
    Grant(("iam:SimulatePrincipalPolicy",), ("iam:role/*", "iam:user/*")),
    Grant(("iam:GetRole", "iam:ListRoleTags"), ("iam:role/*",)),
    Grant(("iam:GetInstanceProfile",), ("iam:instance-profile/*",)),
    Grant(("iam:ListPolicyTags",), ("iam:policy/*",)),
    Grant(("iam:ListOpenIDConnectProviderTags",), ("iam:oidc-provider/*",)),
)
"""What the installer needs beside the resources themselves."""

LINKED_SERVICES = (
    "autoscaling.amazonaws.com",
    "backup.amazonaws.com",
    "eks-nodegroup.amazonaws.com",
    "eks.amazonaws.com",
    "elasticfilesystem.amazonaws.com",
    "elasticloadbalancing.amazonaws.com",
    "rds.amazonaws.com",
    "spot.amazonaws.com",
)
"""Services that make a role of their own in an account where they are used first."""

PASSED_TO = (
    "ec2.amazonaws.com",
    "eks.amazonaws.com",
    "pods.eks.amazonaws.com",
    "vpc-flow-logs.amazonaws.com",
)
"""Services that get roles of ours."""

__all__ = ("EVERYWHERE", "LINKED_SERVICES", "PASSED_TO", "TYPES", "Condition", "Grant")
