"""What each role of the platform may do on AWS, as IAM statements. Pure.

Every action is written out. Where a resource is `*`, the service knows no narrower one for these actions, or a
condition narrows it.
"""

from __future__ import annotations

from typing import Any

from components.storage.clouds import ROLE_PATH, workspace_prefix
from components.storage.policy import USE_BUCKET, USE_OBJECTS
from infra.clusters.aws.documents import KEY_USE, Statement, allow
from infra.clusters.aws.scope import TAG, Scope


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


_LAUNCHES = ("ec2:CreateFleet", "ec2:RunInstances")
_NODE_PARTS = ("fleet", "instance", "launch-template", "network-interface", "spot-instances-request", "volume")
_POOL_TAG = "karpenter.sh/nodepool"


def scaling(scope: Scope, node_role: str, queue: str, *, spot: bool) -> tuple[Statement, ...]:
    """Karpenter makes machines for nodes and removes them again: only with the installation's tag, in its subnets and
    the cluster's security group, with the role of nodes.

    `spot`: whether some pool has machines that AWS may take back, which the account's first one makes a role for.
    """
    ec2 = [scope.arn("ec2", f"{part}/*") for part in _NODE_PARTS]
    cluster = f"kubernetes.io/cluster/{scope.base}"

    def tagged(key: str) -> dict[str, Any]:
        owned = {f"aws:{key}/{TAG}": scope.installation, f"aws:{key}/{cluster}": "owned"}
        return {"StringEquals": owned, "StringLike": {f"aws:{key}/{_POOL_TAG}": "*"}}

    making = tagged("RequestTag")
    made_as = {"ec2:CreateAction": ["CreateFleet", "CreateLaunchTemplate", "RunInstances"]}
    region = {"StringEquals": {"aws:RequestedRegion": scope.region}}
    public = f"arn:{scope.partition}:ec2:{scope.region}::"
    return (
        allow("Images", _LAUNCHES, [f"{public}image/*", f"{public}snapshot/*"]),
        allow(
            "Subnets",
            _LAUNCHES,
            scope.arn("ec2", "subnet/*"),
            {"StringEquals": {f"aws:ResourceTag/{TAG}": scope.installation}},
        ),
        allow(
            "Group",
            _LAUNCHES,
            scope.arn("ec2", "security-group/*"),
            {"StringEquals": {"aws:ResourceTag/aws:eks:cluster-name": scope.base}},
        ),
        allow("FromOwnTemplates", _LAUNCHES, scope.arn("ec2", "launch-template/*"), tagged("ResourceTag")),
        allow("Make", [*_LAUNCHES, "ec2:CreateLaunchTemplate"], ec2, making),
        allow(
            "TagWhatIsMade",
            ["ec2:CreateTags"],
            ec2,
            {**making, "StringEquals": {**making["StringEquals"], **made_as}},
        ),
        allow(
            "NameNodes",
            ["ec2:CreateTags"],
            scope.arn("ec2", "instance/*"),
            {
                **tagged("ResourceTag"),
                "ForAllValues:StringEquals": {
                    "aws:TagKeys": ["Name", "eks:eks-cluster-name", "karpenter.sh/nodeclaim"],
                },
            },
        ),
        allow(
            "Remove",
            ["ec2:DeleteLaunchTemplate", "ec2:TerminateInstances"],
            [scope.arn("ec2", "instance/*"), scope.arn("ec2", "launch-template/*")],
            tagged("ResourceTag"),
        ),
        allow(
            "GiveRole",
            ["iam:PassRole"],
            node_role,
            {"StringEquals": {"iam:PassedToService": f"ec2.{scope.dns_suffix}"}},
        ),
        allow("News", ["sqs:DeleteMessage", "sqs:GetQueueUrl", "sqs:ReceiveMessage"], queue),
        allow(
            "SystemImages",
            ["ssm:GetParameter"],
            f"arn:{scope.partition}:ssm:{scope.region}::parameter/aws/service/bottlerocket/*",
        ),
        # These know no resources, but for the region.
        allow(
            "Read",
            [
                "ec2:DescribeCapacityReservations",
                "ec2:DescribeImages",
                "ec2:DescribeInstanceStatus",
                "ec2:DescribeInstanceTypeOfferings",
                "ec2:DescribeInstanceTypes",
                "ec2:DescribeInstances",
                "ec2:DescribeLaunchTemplates",
                "ec2:DescribePlacementGroups",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSpotPriceHistory",
                "ec2:DescribeSubnets",
            ],
            "*",
            region,
        ),
        allow("ReadElsewhere", ["iam:ListInstanceProfiles", "pricing:GetProducts"], "*"),
        *(_spot(scope) if spot else ()),
    )


def _spot(scope: Scope) -> tuple[Statement, ...]:
    name = "spot.amazonaws.com"
    role = scope.role("AWSServiceRoleForEC2Spot", f"/aws-service-role/{name}/")
    return (allow("SpotRole", ["iam:CreateServiceLinkedRole"], role, {"StringEquals": {"iam:AWSServiceName": name}}),)
