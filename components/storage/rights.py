"""What the control plane asks of a cloud for workspaces: the rights that its own identity needs. Pure."""

from __future__ import annotations

AWS_RIGHTS: dict[str, tuple[str, ...]] = {
    "AbortMultipartUpload": ("s3:AbortMultipartUpload",),
    "CreateBucket": ("s3:CreateBucket", "s3:TagResource", "s3:PutBucketOwnershipControls"),
    "DeleteBucket": ("s3:DeleteBucket",),
    "DeleteObjects": ("s3:DeleteObject", "s3:DeleteObjectVersion"),
    "GetBucketEncryption": ("s3:GetEncryptionConfiguration",),
    "GetBucketLifecycleConfiguration": ("s3:GetLifecycleConfiguration",),
    "GetBucketOwnershipControls": ("s3:GetBucketOwnershipControls",),
    "GetBucketPolicy": ("s3:GetBucketPolicy",),
    "GetBucketTagging": ("s3:GetBucketTagging",),
    "GetBucketVersioning": ("s3:GetBucketVersioning",),
    "GetPublicAccessBlock": ("s3:GetBucketPublicAccessBlock",),
    "ListMultipartUploads": ("s3:ListBucketMultipartUploads",),
    "ListObjectVersions": ("s3:ListBucketVersions",),
    "ListObjectsV2": ("s3:ListBucket",),
    "PutBucketEncryption": ("s3:PutEncryptionConfiguration",),
    "PutBucketLifecycleConfiguration": ("s3:PutLifecycleConfiguration",),
    "PutBucketOwnershipControls": ("s3:PutBucketOwnershipControls",),
    "PutBucketPolicy": ("s3:PutBucketPolicy",),
    "PutBucketTagging": ("s3:PutBucketTagging",),
    "PutBucketVersioning": ("s3:PutBucketVersioning",),
    "PutPublicAccessBlock": ("s3:PutBucketPublicAccessBlock",),
    "CreateRole": ("iam:CreateRole", "iam:TagRole"),
    "DeleteRole": ("iam:DeleteRole",),
    "DeleteRolePolicy": ("iam:DeleteRolePolicy",),
    "DetachRolePolicy": ("iam:DetachRolePolicy",),
    "GetRole": ("iam:GetRole",),
    "GetRolePolicy": ("iam:GetRolePolicy",),
    "ListAttachedRolePolicies": ("iam:ListAttachedRolePolicies",),
    "ListRolePolicies": ("iam:ListRolePolicies",),
    "PutRolePermissionsBoundary": ("iam:PutRolePermissionsBoundary",),
    "PutRolePolicy": ("iam:PutRolePolicy",),
    "UpdateAssumeRolePolicy": ("iam:UpdateAssumeRolePolicy",),
    "UpdateRole": ("iam:UpdateRole",),
    "CreatePodIdentityAssociation": (
        "eks:CreatePodIdentityAssociation", "eks:TagResource", "iam:GetRole", "iam:PassRole",
    ),
    "DeletePodIdentityAssociation": ("eks:DeletePodIdentityAssociation",),
    "DescribePodIdentityAssociation": ("eks:DescribePodIdentityAssociation",),
    "ListPodIdentityAssociations": ("eks:ListPodIdentityAssociations",),
    "UpdatePodIdentityAssociation": ("eks:UpdatePodIdentityAssociation", "iam:GetRole", "iam:PassRole"),
}  # fmt: skip
"""API call → actions it needs. `s3` on buckets whose names begin with `clouds.workspace_prefix`, `iam` on roles below
`clouds.ROLE_PATH`, `eks` on the platform's cluster and its associations. With a permissions boundary: `iam:CreateRole`,
`iam:PutRolePolicy` and `iam:PutRolePermissionsBoundary` only where `iam:PermissionsBoundary` is that one."""


def aws_actions(service: str) -> tuple[str, ...]:
    """All actions of one service (`s3`, `iam`, `eks`), sorted."""
    return tuple(sorted({a for actions in AWS_RIGHTS.values() for a in actions if a.startswith(f"{service}:")}))


GCP_PERMISSIONS = (
    "storage.buckets.create",
    "storage.buckets.delete",
    "storage.buckets.get",
    "storage.buckets.getIamPolicy",
    "storage.buckets.setIamPolicy",
    "storage.buckets.update",
    "storage.objects.delete",
    "storage.objects.list",
)
"""On the project; all but `create`, which knows no condition on names, only where names begin with
`clouds.workspace_prefix`. It reads and writes no object."""

AZURE_ACTIONS = (
    "Microsoft.Authorization/roleAssignments/delete",
    "Microsoft.Authorization/roleAssignments/read",
    "Microsoft.Authorization/roleAssignments/write",
    "Microsoft.ManagedIdentity/userAssignedIdentities/delete",
    "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/delete",
    "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/read",
    "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write",
    "Microsoft.ManagedIdentity/userAssignedIdentities/read",
    "Microsoft.ManagedIdentity/userAssignedIdentities/write",
    "Microsoft.Storage/storageAccounts/blobServices/containers/delete",
    "Microsoft.Storage/storageAccounts/blobServices/containers/read",
    "Microsoft.Storage/storageAccounts/blobServices/containers/write",
)
"""Identities in the workspaces' resource group; containers and role assignments on their storage account alone, where
only Storage Blob Data Contributor may be handed out, and only to service principals. It reads and writes no blob."""
