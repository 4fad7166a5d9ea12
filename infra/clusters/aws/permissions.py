"""What each role of the platform may do on AWS, as IAM statements. Pure.

Every action is written out. Where a resource is `*`, the service knows no narrower one for these actions, or a
condition narrows it.
"""

from __future__ import annotations

from components.storage.clouds import ROLE_PATH, workspace_prefix
from components.storage.policy import USE_BUCKET, USE_OBJECTS
from infra.clusters.aws.documents import KEY_USE, Statement, allow
from infra.clusters.aws.scope import Scope


def workspace_buckets(scope: Scope) -> str:
    """ARN pattern of the buckets that the control plane makes for workspaces; the platform's own are not among them."""
    return f"arn:{scope.partition}:s3:::{workspace_prefix(scope.installation)}*"


def tracking(bucket: str, key: str) -> tuple[Statement, ...]:
    """The tracking server keeps artifacts in its bucket."""
    return (
        # Not versions: what was deleted can be had back.
        allow("Objects", [each for each in USE_OBJECTS if each != "s3:DeleteObjectVersion"], f"{bucket}/*"),
        allow("Bucket", USE_BUCKET, bucket),
        allow("Key", ["kms:Decrypt", "kms:GenerateDataKey"], key),
    )


def workspaces(scope: Scope, key: str) -> tuple[Statement, ...]:
    """The most that a workspace's role can have: objects in buckets of workspaces. Its own policy names its own one."""
    buckets = workspace_buckets(scope)
    return (
        allow("Objects", USE_OBJECTS, f"{buckets}/*"),
        allow("Buckets", USE_BUCKET, buckets),
        allow("Key", ["kms:Decrypt", "kms:GenerateDataKey"], key),
    )


def control_plane(scope: Scope, boundary: str, *, binds: bool) -> tuple[Statement, ...]:
    """The control plane makes workspaces' roles, bound by the boundary, their buckets, and who gets which role.

    `binds`: whether EKS is told who gets which role; with IRSA the roles themselves say it.
    """
    roles = scope.role(f"{workspace_prefix(scope.installation)}*", ROLE_PATH)
    buckets = workspace_buckets(scope)
    bounded = {"StringEquals": {"iam:PermissionsBoundary": boundary}}
    return (
        allow("MakeRoles", ["iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"], roles, bounded),
        allow(
            "KeepRoles",
            [
                "iam:DeleteRole",
                "iam:DeleteRolePolicy",
                "iam:DetachRolePolicy",
                "iam:GetRole",
                "iam:GetRolePolicy",
                "iam:ListAttachedRolePolicies",
                "iam:ListRolePolicies",
                "iam:TagRole",
                "iam:UpdateAssumeRolePolicy",
                "iam:UpdateRole",
            ],
            roles,
        ),
        *(_bind(scope, roles) if binds else ()),
        allow(
            "Buckets",
            [
                "s3:CreateBucket",
                "s3:DeleteBucket",
                "s3:GetBucketOwnershipControls",
                "s3:GetBucketPolicy",
                "s3:GetBucketPublicAccessBlock",
                "s3:GetBucketTagging",
                "s3:GetBucketVersioning",
                "s3:GetEncryptionConfiguration",
                "s3:GetLifecycleConfiguration",
                "s3:ListBucket",
                "s3:ListBucketMultipartUploads",
                "s3:ListBucketVersions",
                "s3:PutBucketOwnershipControls",
                "s3:PutBucketPolicy",
                "s3:PutBucketPublicAccessBlock",
                "s3:PutBucketTagging",
                "s3:PutBucketVersioning",
                "s3:PutEncryptionConfiguration",
                "s3:PutLifecycleConfiguration",
                "s3:TagResource",
            ],
            buckets,
        ),
        allow(
            "EmptyBuckets",
            ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:ListMultipartUploadParts"],
            f"{buckets}/*",
        ),
    )


def _bind(scope: Scope, roles: str) -> tuple[Statement, ...]:
    eks = {"StringEquals": {"iam:PassedToService": "pods.eks.amazonaws.com"}}
    return (
        allow("GiveRoles", ["iam:PassRole"], roles, eks),
        allow("Bind", ["eks:CreatePodIdentityAssociation", "eks:ListPodIdentityAssociations"], scope.cluster_arn),
        allow(
            "Rebind",
            [
                "eks:DeletePodIdentityAssociation",
                "eks:DescribePodIdentityAssociation",
                "eks:TagResource",
                "eks:UpdatePodIdentityAssociation",
            ],
            scope.arn("eks", f"podidentityassociation/{scope.base}/*"),
        ),
    )


def disks(key: str) -> tuple[Statement, ...]:
    """Beside AWS's own policy for the disk driver: the key of volumes, whose use EC2 gets by a grant."""
    return (
        allow("Key", KEY_USE, key),
        allow("Grant", ["kms:CreateGrant"], key, {"Bool": {"kms:GrantIsForAWSResource": "true"}}),
    )


def autoscaler(scope: Scope) -> tuple[Statement, ...]:
    """Scales the cluster's own groups, which bear its tag, and reads what their machines have."""
    own = {"StringEquals": {f"aws:ResourceTag/k8s.io/cluster-autoscaler/{scope.base}": "owned"}}
    groups = scope.arn("autoscaling", "autoScalingGroup:*:autoScalingGroupName/eks-*")
    return (
        allow(
            "Scale",
            ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"],
            groups,
            own,
        ),
        allow("Groups", ["eks:DescribeNodegroup"], scope.arn("eks", f"nodegroup/{scope.base}/*")),
        # These know no resources.
        allow(
            "Read",
            [
                "autoscaling:DescribeAutoScalingGroups",
                "autoscaling:DescribeAutoScalingInstances",
                "autoscaling:DescribeLaunchConfigurations",
                "autoscaling:DescribeScalingActivities",
                "autoscaling:DescribeTags",
                "ec2:DescribeImages",
                "ec2:DescribeInstanceTypes",
                "ec2:DescribeLaunchTemplateVersions",
                "ec2:GetInstanceTypesFromInstanceRequirements",
            ],
            "*",
        ),
    )
