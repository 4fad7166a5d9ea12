"""Rules for the types of AWS."""

from __future__ import annotations

from infra.clusters.policies.model import FALSE, NOT_TRUE, PRESENT, TRUE, Beside, Check, Must, at_least, one_of
from infra.clusters.policies.open import closed_ranges, no_open_range

_BUCKET = "aws:s3/bucket:Bucket"
_DATABASE = "aws:rds/instance:Instance"
_CLUSTER = "aws:eks/cluster:Cluster"

MUST: tuple[Must, ...] = (
    # Nothing is open to everybody.
    Must("public", _DATABASE, "publiclyAccessible", NOT_TRUE),
    Must(
        "public",
        _CLUSTER,
        "vpcConfig.publicAccessCidrs",
        closed_ranges,
        lambda properties: properties.get("vpcConfig", {}).get("endpointPublicAccess") is not False,
    ),
    Must("public", _CLUSTER, "vpcConfig.endpointPrivateAccess", TRUE),
    Must("public", "aws:ec2/subnet:Subnet", "mapPublicIpOnLaunch", NOT_TRUE),
    Must("public", "aws:ec2/instance:Instance", "associatePublicIpAddress", FALSE),
    Must("public", "aws:ec2/securityGroup:SecurityGroup", "ingress[].cidrBlocks", no_open_range),
    Must("public", "aws:ec2/securityGroup:SecurityGroup", "ingress[].ipv6CidrBlocks", no_open_range),
    Must("public", "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "cidrIpv4", no_open_range),
    Must("public", "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "cidrIpv6", no_open_range),
    Must(
        "public",
        "aws:ec2/securityGroupRule:SecurityGroupRule",
        "cidrBlocks",
        no_open_range,
        lambda properties: properties.get("type") == "ingress",
    ),
    Must("public", "aws:lb/loadBalancer:LoadBalancer", "internal", TRUE),
    Must("public", _BUCKET, "acl", one_of(None, "private")),
    *(
        Must("public", "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", name, TRUE)
        for name in ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    ),
    Must("public", "aws:ec2/launchTemplate:LaunchTemplate", "metadataOptions.httpTokens", one_of("required")),
    Must(
        "public",
        "aws:ec2/launchTemplate:LaunchTemplate",
        "networkInterfaces[].associatePublicIpAddress",
        one_of(None, "false", False),
    ),
    # Encrypted at rest, and on the way where the service would take clear text.
    Must("encrypted", _DATABASE, "storageEncrypted", TRUE),
    Must("encrypted", _DATABASE, "kmsKeyId", PRESENT),
    Must(
        "encrypted",
        _DATABASE,
        "performanceInsightsKmsKeyId",
        PRESENT,
        lambda properties: properties.get("performanceInsightsEnabled") is True,
    ),
    Must("encrypted", "aws:rds/cluster:Cluster", "storageEncrypted", TRUE),
    Must("encrypted", _CLUSTER, "encryptionConfig.provider.keyArn", PRESENT),
    Must(
        "encrypted",
        _CLUSTER,
        "encryptionConfig.resources",
        Check(lambda value: value == ["secrets"], "must be ['secrets']"),
    ),
    Must("encrypted", "aws:efs/fileSystem:FileSystem", "encrypted", TRUE),
    Must("encrypted", "aws:ebs/volume:Volume", "encrypted", TRUE),
    Must(
        "encrypted",
        "aws:ec2/launchTemplate:LaunchTemplate",
        "blockDeviceMappings[].ebs.encrypted",
        one_of("true", True),
    ),
    Must("encrypted", "aws:ecr/repository:Repository", "encryptionConfigurations[].encryptionType", one_of("KMS")),
    Must("encrypted", "aws:ecr/repository:Repository", "encryptionConfigurations", PRESENT),
    Must("encrypted", "aws:cloudwatch/logGroup:LogGroup", "kmsKeyId", PRESENT),
    Must("encrypted", "aws:sqs/queue:Queue", "sqsManagedSseEnabled", TRUE),
    Must("encrypted", "aws:kms/key:Key", "enableKeyRotation", TRUE),
    Must(
        "encrypted",
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "rules[].applyServerSideEncryptionByDefault.sseAlgorithm",
        one_of("aws:kms", "aws:kms:dsse"),
    ),
    # Data stays.
    Must("protected", _DATABASE, "deletionProtection", TRUE),
    Must("protected", _DATABASE, "skipFinalSnapshot", NOT_TRUE),
    Must("protected", _DATABASE, "backupRetentionPeriod", at_least(1)),
    Must("protected", _BUCKET, "forceDestroy", NOT_TRUE),
    Must("protected", "aws:kms/key:Key", "deletionWindowInDays", at_least(7)),
    Must("protected", "aws:s3/bucketVersioning:BucketVersioning", "versioningConfiguration.status", one_of("Enabled")),
)

BESIDE: tuple[Beside, ...] = (
    Beside("public", _BUCKET, "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"),
    Beside(
        "encrypted",
        _BUCKET,
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    ),
    Beside("protected", _BUCKET, "aws:s3/bucketVersioning:BucketVersioning"),
)

DATA = (_BUCKET, _DATABASE, "aws:kms/key:Key", "aws:efs/fileSystem:FileSystem")
"""Types that the engine must protect while data is to be kept."""

ELSEWHERE: dict[str, str] = {}
"""Types that take a key and need no rule, and why."""
