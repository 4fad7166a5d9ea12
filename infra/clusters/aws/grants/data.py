"""S3, RDS, EFS and KMS. Data: what the provider calls, type by type."""

from __future__ import annotations

from collections.abc import Mapping

from infra.clusters.aws.grants.model import KEYS, USE_KEY, Grant, read

_BUCKETS = ("s3:{base}-{account}-*",)
_OBJECTS = ("s3:{base}-{account}-*/*",)

DATA: Mapping[str, tuple[Grant, ...]] = {
    "aws:efs/backupPolicy:BackupPolicy": (
        Grant(
            ("elasticfilesystem:DescribeBackupPolicy", "elasticfilesystem:PutBackupPolicy"),
            ("elasticfilesystem:file-system/*",),
            "ours",
        ),
    ),
    "aws:efs/fileSystem:FileSystem": (
        Grant(("elasticfilesystem:CreateFileSystem",), ("*",), "new"),
        Grant(
            (
                "elasticfilesystem:DeleteFileSystem",
                "elasticfilesystem:DescribeFileSystems",
                "elasticfilesystem:DescribeLifecycleConfiguration",
                "elasticfilesystem:DescribeReplicationConfigurations",
                "elasticfilesystem:ListTagsForResource",
                "elasticfilesystem:PutLifecycleConfiguration",
                "elasticfilesystem:TagResource",
                "elasticfilesystem:UntagResource",
                "elasticfilesystem:UpdateFileSystem",
            ),
            ("elasticfilesystem:file-system/*",),
            "ours",
        ),
        USE_KEY,
    ),
    "aws:efs/fileSystemPolicy:FileSystemPolicy": (
        Grant(
            (
                "elasticfilesystem:DeleteFileSystemPolicy",
                "elasticfilesystem:DescribeFileSystemPolicy",
                "elasticfilesystem:PutFileSystemPolicy",
            ),
            ("elasticfilesystem:file-system/*",),
            "ours",
        ),
    ),
    "aws:efs/mountTarget:MountTarget": (
        Grant(
            (
                "elasticfilesystem:CreateMountTarget",
                "elasticfilesystem:DeleteMountTarget",
                "elasticfilesystem:DescribeMountTargetSecurityGroups",
                "elasticfilesystem:DescribeMountTargets",
                "elasticfilesystem:ModifyMountTargetSecurityGroups",
            ),
            ("elasticfilesystem:file-system/*",),
            "ours",
        ),
        Grant(("ec2:CreateNetworkInterface",), ("ec2:security-group/*", "ec2:subnet/*"), "ours"),
        # EFS makes the interface of a mount target with our rights, and without tags of ours.
        Grant(("ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface"), ("ec2:network-interface/*",)),
    ),
    "aws:kms/alias:Alias": (
        Grant(("kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"), ("kms:alias/{base}-*",)),
        Grant(("kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"), KEYS, "ours"),
        read("kms:ListAliases"),
    ),
    "aws:kms/key:Key": (
        Grant(("kms:CreateKey", "kms:TagResource"), ("*",), "new"),
        Grant(
            (
                "kms:DescribeKey",
                "kms:EnableKey",
                "kms:EnableKeyRotation",
                "kms:GetKeyPolicy",
                "kms:GetKeyRotationStatus",
                "kms:ListResourceTags",
                "kms:PutKeyPolicy",
                "kms:ScheduleKeyDeletion",
                "kms:TagResource",
                "kms:UntagResource",
                "kms:UpdateKeyDescription",
            ),
            KEYS,
            "ours",
        ),
    ),
    "aws:rds/instance:Instance": (
        Grant(
            (
                "rds:AddTagsToResource",
                "rds:DeleteDBInstance",
                "rds:DescribeDBInstances",
                "rds:ListTagsForResource",
                "rds:RebootDBInstance",
                "rds:RemoveTagsFromResource",
            ),
            ("rds:db:{base}-database",),
        ),
        Grant(
            ("rds:CreateDBInstance", "rds:ModifyDBInstance"),
            ("rds:db:{base}-database", "rds:og:default:*", "rds:pg:{base}-*", "rds:subgrp:{base}-*"),
        ),
        # The last one, as the database goes.
        Grant(("rds:AddTagsToResource", "rds:CreateDBSnapshot"), ("rds:db:{base}-database", "rds:snapshot:{base}-*")),
        read("rds:DescribeDBEngineVersions", "rds:DescribeOrderableDBInstanceOptions"),
        # The administrator's password, which RDS makes with our rights.
        Grant(
            (
                "secretsmanager:CreateSecret",
                "secretsmanager:DescribeSecret",
                "secretsmanager:GetSecretValue",
                "secretsmanager:TagResource",
            ),
            ("secretsmanager:secret:rds!db-*",),
        ),
        USE_KEY,
    ),
    "aws:rds/parameterGroup:ParameterGroup": (
        Grant(
            (
                "rds:AddTagsToResource",
                "rds:CreateDBParameterGroup",
                "rds:DeleteDBParameterGroup",
                "rds:DescribeDBParameterGroups",
                "rds:DescribeDBParameters",
                "rds:ListTagsForResource",
                "rds:ModifyDBParameterGroup",
                "rds:RemoveTagsFromResource",
                "rds:ResetDBParameterGroup",
            ),
            ("rds:pg:{base}-*",),
        ),
    ),
    "aws:rds/subnetGroup:SubnetGroup": (
        Grant(
            (
                "rds:AddTagsToResource",
                "rds:CreateDBSubnetGroup",
                "rds:DeleteDBSubnetGroup",
                "rds:DescribeDBSubnetGroups",
                "rds:ListTagsForResource",
                "rds:ModifyDBSubnetGroup",
                "rds:RemoveTagsFromResource",
            ),
            ("rds:subgrp:{base}-*",),
        ),
    ),
    "aws:s3/bucket:Bucket": (
        Grant(
            (
                "s3:CreateBucket",
                "s3:DeleteBucket",
                "s3:GetAccelerateConfiguration",
                "s3:GetBucketAcl",
                "s3:GetBucketCORS",
                "s3:GetBucketLocation",
                "s3:GetBucketLogging",
                "s3:GetBucketObjectLockConfiguration",
                "s3:GetBucketPolicy",
                "s3:GetBucketRequestPayment",
                "s3:GetBucketTagging",
                "s3:GetBucketVersioning",
                "s3:GetBucketWebsite",
                "s3:GetEncryptionConfiguration",
                "s3:GetLifecycleConfiguration",
                "s3:GetReplicationConfiguration",
                "s3:ListBucket",
                "s3:ListBucketVersions",
                "s3:ListTagsForResource",
                "s3:PutBucketTagging",
                "s3:TagResource",
                "s3:UntagResource",
            ),
            _BUCKETS,
        ),
        Grant(("s3:DeleteObject", "s3:DeleteObjectVersion"), _OBJECTS),
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": (
        Grant(("s3:GetLifecycleConfiguration", "s3:PutLifecycleConfiguration"), _BUCKETS),
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": (
        Grant(("s3:GetBucketOwnershipControls", "s3:PutBucketOwnershipControls"), _BUCKETS),
    ),
    "aws:s3/bucketPolicy:BucketPolicy": (
        Grant(("s3:DeleteBucketPolicy", "s3:GetBucketPolicy", "s3:PutBucketPolicy"), _BUCKETS),
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": (
        Grant(("s3:GetBucketPublicAccessBlock", "s3:PutBucketPublicAccessBlock"), _BUCKETS),
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        Grant(("s3:GetEncryptionConfiguration", "s3:PutEncryptionConfiguration"), _BUCKETS),
        USE_KEY,
    ),
    "aws:s3/bucketVersioning:BucketVersioning": (
        Grant(("s3:GetBucketVersioning", "s3:PutBucketVersioning"), _BUCKETS),
    ),
}
