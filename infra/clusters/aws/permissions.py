"""What each role of the platform may do on AWS, as IAM statements. Pure.

Every action is written out. Where a resource is `*`, the service knows no narrower one for these actions, or a
condition narrows it.
"""

from __future__ import annotations

from components.storage.clouds import ROLE_PATH, workspace_prefix
from infra.clusters.aws.documents import KEY_USE, Statement, allow
from infra.clusters.aws.scope import Scope

_READ = ("s3:GetObject", "s3:GetObjectAttributes", "s3:GetObjectTagging", "s3:GetObjectVersion")
_WRITE = ("s3:AbortMultipartUpload", "s3:DeleteObject", "s3:ListMultipartUploadParts", "s3:PutObject")
_LIST = ("s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads")


def workspace_buckets(scope: Scope) -> str:
    """ARN pattern of the buckets that the control plane makes for workspaces; the platform's own are not among them."""
    return f"arn:{scope.partition}:s3:::{workspace_prefix(scope.installation)}*"


def tracking(bucket: str, key: str) -> tuple[Statement, ...]:
    """The tracking server keeps artifacts in its bucket."""
    return (
        allow("Objects", [*_READ, *_WRITE], f"{bucket}/*"),
        allow("Bucket", _LIST, bucket),
        allow("Key", ["kms:Decrypt", "kms:GenerateDataKey"], key),
    )


def workspaces(scope: Scope, key: str) -> tuple[Statement, ...]:
    """The most that a workspace's role can have: objects in buckets of workspaces. Its own policy names its own one."""
    buckets = workspace_buckets(scope)
    return (
        allow("Objects", [*_READ, *_WRITE, "s3:PutObjectTagging"], f"{buckets}/*"),
        allow("Buckets", _LIST, buckets),
        allow("Key", ["kms:Decrypt", "kms:GenerateDataKey"], key),
    )


def control_plane(scope: Scope, boundary: str, key: str) -> tuple[Statement, ...]:
    """The control plane makes workspaces' roles, bound by the boundary, their buckets, and who gets which role."""
    roles = scope.role(f"{workspace_prefix(scope.installation)}*", ROLE_PATH)
    buckets = workspace_buckets(scope)
    bounded = {"StringEquals": {"iam:PermissionsBoundary": boundary}}
    associations = scope.arn("eks", f"podidentityassociation/{scope.base}/*")
    return (
        allow(
            "MakeRoles",
            ["iam:CreateRole", "iam:DeleteRolePolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"],
            roles,
            bounded,
        ),
        allow(
            "KeepRoles",
            [
                "iam:DeleteRole",
                "iam:GetRole",
                "iam:GetRolePolicy",
                "iam:ListAttachedRolePolicies",
                "iam:ListInstanceProfilesForRole",
                "iam:ListRolePolicies",
                "iam:ListRoleTags",
                "iam:TagRole",
                "iam:UntagRole",
                "iam:UpdateAssumeRolePolicy",
                "iam:UpdateRole",
                "iam:UpdateRoleDescription",
            ],
            roles,
        ),
        allow(
            "GiveRoles", ["iam:PassRole"], roles, {"StringEquals": {"iam:PassedToService": "pods.eks.amazonaws.com"}}
        ),
        # ListRoles knows no narrower resource than a path's.
        allow("FindRoles", ["iam:ListRoles"], scope.arn("iam", f"role{ROLE_PATH}*", regional=False)),
        allow(
            "Bind",
            ["eks:CreatePodIdentityAssociation", "eks:ListPodIdentityAssociations", "eks:DescribeCluster"],
            scope.cluster_arn,
        ),
        allow(
            "Rebind",
            [
                "eks:DeletePodIdentityAssociation",
                "eks:DescribePodIdentityAssociation",
                "eks:TagResource",
                "eks:UpdatePodIdentityAssociation",
            ],
            associations,
        ),
        allow(
            "Buckets",
            [
                *_LIST,
                "s3:CreateBucket",
                "s3:DeleteBucket",
                "s3:DeleteBucketPolicy",
                "s3:GetBucketOwnershipControls",
                "s3:GetBucketPolicy",
                "s3:GetBucketPublicAccessBlock",
                "s3:GetBucketTagging",
                "s3:GetBucketVersioning",
                "s3:GetEncryptionConfiguration",
                "s3:GetLifecycleConfiguration",
                "s3:ListBucketVersions",
                "s3:PutBucketOwnershipControls",
                "s3:PutBucketPolicy",
                "s3:PutBucketPublicAccessBlock",
                "s3:PutBucketTagging",
                "s3:PutBucketVersioning",
                "s3:PutEncryptionConfiguration",
                "s3:PutLifecycleConfiguration",
            ],
            buckets,
        ),
        allow(
            "EmptyBuckets",
            ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:ListMultipartUploadParts"],
            f"{buckets}/*",
        ),
        allow("Key", ["kms:DescribeKey"], key),
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
