"""EKS, IAM, ECR, CloudWatch Logs, and the events and queue of nodes. Data: what the provider calls, type by type."""

from __future__ import annotations

from collections.abc import Mapping

from infra.clusters.aws.grants.model import PASS, ROLES, USE_KEY, Grant, read

_CLUSTER = ("eks:cluster/{base}",)
_LOG_GROUPS = (
    "logs:log-group:/aws/eks/{base}/*",
    "logs:log-group:/aws/rds/instance/{base}-database/*",
    "logs:log-group:/mlp/{base}/*",
)

_EVENTS = ("events:rule/{base}-*",)
_QUEUES = ("sqs:{base}-*",)
_PROFILES = ("iam:instance-profile/{base}-*",)

KUBERNETES: Mapping[str, tuple[Grant, ...]] = {
    "aws:cloudwatch/eventRule:EventRule": (
        Grant(
            (
                "events:DeleteRule",
                "events:DescribeRule",
                "events:ListTagsForResource",
                "events:PutRule",
                "events:TagResource",
                "events:UntagResource",
            ),
            _EVENTS,
        ),
    ),
    "aws:cloudwatch/eventTarget:EventTarget": (
        Grant(("events:ListTargetsByRule", "events:PutTargets", "events:RemoveTargets"), _EVENTS),
    ),
    "aws:cloudwatch/logGroup:LogGroup": (
        Grant(
            (
                "logs:AssociateKmsKey",
                "logs:CreateLogGroup",
                "logs:DeleteLogGroup",
                "logs:DisassociateKmsKey",
                "logs:ListTagsForResource",
                "logs:PutRetentionPolicy",
                "logs:TagResource",
                "logs:UntagResource",
            ),
            _LOG_GROUPS,
        ),
        read("logs:DescribeLogGroups"),
    ),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": (
        Grant(
            ("ecr:DeleteLifecyclePolicy", "ecr:GetLifecyclePolicy", "ecr:PutLifecyclePolicy"),
            ("ecr:repository/{base}/*",),
        ),
    ),
    "aws:ecr/repository:Repository": (
        Grant(
            (
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:CompleteLayerUpload",
                "ecr:CreateRepository",
                "ecr:DeleteRepository",
                "ecr:DescribeRepositories",
                "ecr:GetDownloadUrlForLayer",
                "ecr:InitiateLayerUpload",
                "ecr:ListTagsForResource",
                "ecr:PutImage",
                "ecr:PutImageScanningConfiguration",
                "ecr:PutImageTagMutability",
                "ecr:TagResource",
                "ecr:UntagResource",
                "ecr:UploadLayerPart",
            ),
            ("ecr:repository/{base}/*",),
        ),
        read("ecr:GetAuthorizationToken"),
        USE_KEY,
    ),
    "aws:eks/accessEntry:AccessEntry": (
        Grant(("eks:CreateAccessEntry",), _CLUSTER),
        Grant(
            (
                "eks:DeleteAccessEntry",
                "eks:DescribeAccessEntry",
                "eks:TagResource",
                "eks:UntagResource",
                "eks:UpdateAccessEntry",
            ),
            ("eks:access-entry/{base}/*",),
        ),
    ),
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": (
        Grant(
            ("eks:AssociateAccessPolicy", "eks:DisassociateAccessPolicy", "eks:ListAssociatedAccessPolicies"),
            ("eks:access-entry/{base}/*",),
        ),
    ),
    "aws:eks/addon:Addon": (
        Grant(("eks:CreateAddon", "eks:CreatePodIdentityAssociation"), _CLUSTER),
        Grant(
            ("eks:DeleteAddon", "eks:DescribeAddon", "eks:TagResource", "eks:UntagResource", "eks:UpdateAddon"),
            ("eks:addon/{base}/*",),
        ),
        read("eks:DescribeAddonConfiguration", "eks:DescribeAddonVersions"),
        PASS,
    ),
    "aws:eks/cluster:Cluster": (
        Grant(("eks:CreateCluster",), ("*",), "new"),
        Grant(
            (
                "eks:DeleteCluster",
                "eks:DescribeCluster",
                "eks:DescribeUpdate",
                "eks:ListUpdates",
                "eks:TagResource",
                "eks:UntagResource",
                "eks:UpdateClusterConfig",
                "eks:UpdateClusterVersion",
            ),
            _CLUSTER,
        ),
        PASS,
        USE_KEY,
    ),
    "aws:eks/nodeGroup:NodeGroup": (
        Grant(("eks:CreateNodegroup",), _CLUSTER),
        Grant(
            (
                "eks:DeleteNodegroup",
                "eks:DescribeNodegroup",
                "eks:DescribeUpdate",
                "eks:TagResource",
                "eks:UntagResource",
                "eks:UpdateNodegroupConfig",
                "eks:UpdateNodegroupVersion",
            ),
            ("eks:nodegroup/{base}/*",),
        ),
        PASS,
    ),
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": (
        Grant(("eks:CreatePodIdentityAssociation", "eks:ListPodIdentityAssociations"), _CLUSTER),
        Grant(
            (
                "eks:DeletePodIdentityAssociation",
                "eks:DescribePodIdentityAssociation",
                "eks:TagResource",
                "eks:UntagResource",
                "eks:UpdatePodIdentityAssociation",
            ),
            ("eks:podidentityassociation/{base}/*",),
        ),
        PASS,
    ),
    "aws:iam/instanceProfile:InstanceProfile": (
        Grant(
            (
                "iam:AddRoleToInstanceProfile",
                "iam:CreateInstanceProfile",
                "iam:DeleteInstanceProfile",
                "iam:GetInstanceProfile",
                "iam:RemoveRoleFromInstanceProfile",
                "iam:TagInstanceProfile",
                "iam:UntagInstanceProfile",
            ),
            _PROFILES,
        ),
        PASS,
    ),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": (
        Grant(
            (
                "iam:CreateOpenIDConnectProvider",
                "iam:DeleteOpenIDConnectProvider",
                "iam:GetOpenIDConnectProvider",
                "iam:TagOpenIDConnectProvider",
                "iam:UntagOpenIDConnectProvider",
                "iam:UpdateOpenIDConnectProviderThumbprint",
            ),
            ("iam:oidc-provider/oidc.eks.{region}.*",),
        ),
    ),
    "aws:iam/policy:Policy": (
        Grant(
            (
                "iam:CreatePolicy",
                "iam:CreatePolicyVersion",
                "iam:DeletePolicy",
                "iam:DeletePolicyVersion",
                "iam:GetPolicy",
                "iam:GetPolicyVersion",
                "iam:ListPolicyVersions",
                "iam:TagPolicy",
                "iam:UntagPolicy",
            ),
            ("iam:policy/{base}-*",),
        ),
    ),
    "aws:iam/role:Role": (
        Grant(
            (
                "iam:CreateRole",
                "iam:DeleteRole",
                "iam:GetRole",
                "iam:ListAttachedRolePolicies",
                "iam:ListInstanceProfilesForRole",
                "iam:ListRolePolicies",
                "iam:TagRole",
                "iam:UntagRole",
                "iam:UpdateAssumeRolePolicy",
                "iam:UpdateRole",
            ),
            ROLES,
        ),
    ),
    "aws:iam/rolePolicy:RolePolicy": (
        Grant(("iam:DeleteRolePolicy", "iam:GetRolePolicy", "iam:PutRolePolicy"), ROLES),
    ),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": (
        Grant(("iam:AttachRolePolicy", "iam:DetachRolePolicy"), ROLES, "maintained"),
    ),
    "aws:sqs/queue:Queue": (
        Grant(
            (
                "sqs:CreateQueue",
                "sqs:DeleteQueue",
                "sqs:GetQueueAttributes",
                "sqs:GetQueueUrl",
                "sqs:ListQueueTags",
                "sqs:SetQueueAttributes",
                "sqs:TagQueue",
                "sqs:UntagQueue",
            ),
            _QUEUES,
        ),
    ),
    "aws:sqs/queuePolicy:QueuePolicy": (Grant(("sqs:GetQueueAttributes", "sqs:SetQueueAttributes"), _QUEUES),),
}
