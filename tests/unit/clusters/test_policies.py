"""Each policy lets through what is right and catches what is not; no rule is there that never fails."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from infra.clusters.policies import judge, unjudged
from infra.clusters.policies.judge import BESIDE, MUST
from infra.clusters.policies.model import Violation, values
from infra.engine.declared import Declaration, Declared

TAGS = {"mlp": "prod"}
RANGE = "203.0.113.0/24"

BUCKET, BLOCK = "aws:s3/bucket:Bucket", "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
SSE = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
VERSIONS = "aws:s3/bucketVersioning:BucketVersioning"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
GROUP, RULE = "aws:ec2/securityGroup:SecurityGroup", "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
OLD_RULE = "aws:ec2/securityGroupRule:SecurityGroupRule"

GOOD: dict[str, dict[str, Any]] = {
    "aws:rds/instance:Instance": {
        "publiclyAccessible": False,
        "storageEncrypted": True,
        "kmsKeyId": "key",
        "performanceInsightsEnabled": True,
        "performanceInsightsKmsKeyId": "key",
        "deletionProtection": True,
        "skipFinalSnapshot": False,
        "backupRetentionPeriod": 14,
    },
    "aws:eks/cluster:Cluster": {
        "vpcConfig": {"endpointPublicAccess": True, "publicAccessCidrs": [RANGE], "endpointPrivateAccess": True},
        "encryptionConfig": {"provider": {"keyArn": "key"}, "resources": ["secrets"]},
    },
    "aws:ec2/subnet:Subnet": {},
    "aws:ec2/instance:Instance": {"associatePublicIpAddress": False},
    GROUP: {"ingress": [{"cidrBlocks": [RANGE], "ipv6CidrBlocks": []}], "egress": [{"cidrBlocks": ["0.0.0.0/0"]}]},
    RULE: {"cidrIpv4": RANGE},
    OLD_RULE: {"type": "ingress", "cidrBlocks": [RANGE]},
    "aws:lb/loadBalancer:LoadBalancer": {"internal": True},
    BUCKET: {"forceDestroy": False},
    BLOCK: dict.fromkeys(("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"), True),
    SSE: {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms"}}]},
    VERSIONS: {"versioningConfiguration": {"status": "Enabled"}},
    TEMPLATE: {
        "metadataOptions": {"httpTokens": "required"},
        "networkInterfaces": [{"associatePublicIpAddress": "false"}],
        "blockDeviceMappings": [{"ebs": {"encrypted": "true"}}],
    },
    "aws:rds/cluster:Cluster": {"storageEncrypted": True},
    "aws:efs/fileSystem:FileSystem": {"encrypted": True},
    "aws:ebs/volume:Volume": {"encrypted": True},
    "aws:ecr/repository:Repository": {"encryptionConfigurations": [{"encryptionType": "KMS"}]},
    "aws:cloudwatch/logGroup:LogGroup": {"kmsKeyId": "key"},
    "aws:sqs/queue:Queue": {"sqsManagedSseEnabled": True},
    "aws:kms/key:Key": {"enableKeyRotation": True, "deletionWindowInDays": 30},
    "gcp:container/cluster:Cluster": {
        "privateClusterConfig": {"enablePrivateNodes": True},
        "masterAuthorizedNetworksConfig": {"cidrBlocks": [{"cidrBlock": RANGE}]},
        "databaseEncryption": {"state": "ENCRYPTED", "keyName": "key"},
        "deletionProtection": True,
    },
    "gcp:container/nodePool:NodePool": {"nodeConfig": {"bootDiskKmsKey": "key"}},
    "gcp:sql/databaseInstance:DatabaseInstance": {
        "encryptionKeyName": "key",
        "deletionProtection": True,
        "settings": {
            "ipConfiguration": {
                "ipv4Enabled": False,
                "sslMode": "ENCRYPTED_ONLY",
                "authorizedNetworks": [{"value": RANGE}],
            },
            "deletionProtectionEnabled": True,
            "backupConfiguration": {"enabled": True},
        },
    },
    "gcp:storage/bucket:Bucket": {
        "publicAccessPrevention": "enforced",
        "forceDestroy": False,
        "uniformBucketLevelAccess": True,
        "encryption": {"defaultKmsKeyName": "key"},
        "versioning": {"enabled": True},
    },
    "gcp:compute/firewall:Firewall": {"sourceRanges": [RANGE], "allows": [{"protocol": "tcp"}]},
    "gcp:artifactregistry/repository:Repository": {"kmsKeyName": "key"},
    "gcp:compute/disk:Disk": {"diskEncryptionKey": {"kmsKeySelfLink": "key"}},
    "gcp:filestore/instance:Instance": {"kmsKeyName": "key"},
    "gcp:kms/cryptoKey:CryptoKey": {"rotationPeriod": "7776000s"},
    "azure-native:storage:StorageAccount": {
        "allowBlobPublicAccess": False,
        "publicNetworkAccess": "Disabled",
        "allowSharedKeyAccess": False,
        "minimumTlsVersion": "TLS1_2",
        "encryption": {"keySource": "Microsoft.Keyvault"},
    },
    "azure-native:storage:BlobContainer": {"publicAccess": "None"},
    "azure-native:storage:BlobServiceProperties": {
        "isVersioningEnabled": True,
        "deleteRetentionPolicy": {"enabled": True},
    },
    "azure-native:dbforpostgresql:Server": {
        "network": {"delegatedSubnetResourceId": "subnet"},
        "dataEncryption": {"type": "AzureKeyVault"},
        "backup": {"backupRetentionDays": 14},
    },
    "azure-native:containerservice:ManagedCluster": {
        "apiServerAccessProfile": {"authorizedIPRanges": [RANGE]},
        "disableLocalAccounts": True,
        "agentPoolProfiles": [{"name": "system"}],
        "diskEncryptionSetID": "set",
        "securityProfile": {"azureKeyVaultKms": {"enabled": True}},
    },
    "azure-native:compute:DiskEncryptionSet": {"encryptionType": "EncryptionAtRestWithCustomerKey"},
    "azure-native:containerservice:AgentPool": {},
    "azure-native:containerregistry:Registry": {"adminUserEnabled": False},
    "azure-native:keyvault:Vault": {
        "properties": {"publicNetworkAccess": "disabled", "enablePurgeProtection": True, "enableSoftDelete": True}
    },
    "azure-native:network:NetworkSecurityGroup": {
        "securityRules": [
            {"direction": "Inbound", "access": "Allow", "sourceAddressPrefixes": [RANGE]},
            {"direction": "Inbound", "access": "Deny", "sourceAddressPrefix": "*"},
            {"direction": "Outbound", "access": "Allow", "sourceAddressPrefix": "*"},
        ]
    },
}
"""A resource of each type that breaks nothing."""

OPEN_RULE = {"direction": "Inbound", "access": "Allow", "sourceAddressPrefix": "*"}
BAD: Mapping[tuple[str, str], Any] = {
    ("aws:eks/cluster:Cluster", "vpcConfig.publicAccessCidrs"): ["0.0.0.0/0"],
    ("aws:eks/cluster:Cluster", "encryptionConfig.resources"): [],
    ("aws:ec2/subnet:Subnet", "mapPublicIpOnLaunch"): True,
    (GROUP, "ingress[].cidrBlocks"): [RANGE, "0.0.0.0/0"],
    (GROUP, "ingress[].ipv6CidrBlocks"): ["::/0"],
    (RULE, "cidrIpv4"): "0.0.0.0/1",
    (RULE, "cidrIpv6"): "::/0",
    (OLD_RULE, "cidrBlocks"): ["0.0.0.0/0"],
    (BUCKET, "acl"): "public-read",
    (TEMPLATE, "networkInterfaces[].associatePublicIpAddress"): "true",
    ("aws:ecr/repository:Repository", "encryptionConfigurations[].encryptionType"): "AES256",
    ("gcp:container/cluster:Cluster", "masterAuthorizedNetworksConfig.cidrBlocks[].cidrBlock"): "0.0.0.0/0",
    ("gcp:container/nodePool:NodePool", "networkConfig.enablePrivateNodes"): False,
    ("gcp:sql/databaseInstance:DatabaseInstance", "settings.ipConfiguration.authorizedNetworks[].value"): "0.0.0.0/0",
    ("gcp:compute/firewall:Firewall", "sourceRanges"): ["0.0.0.0/0"],
    ("azure-native:storage:BlobContainer", "publicAccess"): "Blob",
    ("azure-native:storage:StorageAccount", "enableHttpsTrafficOnly"): False,
    ("azure-native:dbforpostgresql:Server", "network.publicNetworkAccess"): "Enabled",
    ("azure-native:containerservice:ManagedCluster", "agentPoolProfiles[].enableNodePublicIP"): True,
    ("azure-native:containerservice:AgentPool", "enableNodePublicIP"): True,
    ("azure-native:containerregistry:Registry", "anonymousPullEnabled"): True,
    ("azure-native:network:NetworkSecurityGroup", "securityRules[]"): OPEN_RULE,
}
"""(type, path) → a value that breaks the rule there. Where none is given, leaving out the property or turning it
around does."""


def resource(kind: str, properties: Mapping[str, Any], name: str = "it", **more: Any) -> Declared:
    given = {"protect": True} | more
    return Declared(f"urn:{kind}:{name}", kind, name, properties, "", **given)


def judged(*resources: Declared, keep: bool = True, tags: Mapping[str, str] | None = None) -> list[Violation]:
    return list(judge(Declaration(resources), tags or {}, keep=keep))


def about(found: list[Violation], path: str) -> list[Violation]:
    return [each for each in found if each.path == path]


def changed(properties: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The properties with another value at the path, everywhere it leads."""
    found = copy.deepcopy(dict(properties))
    places: list[Any] = [found]
    *outer, last = path.split(".")
    for part in outer:
        name = part.removesuffix("[]")
        below = [place.setdefault(name, [{}] if part.endswith("[]") else {}) for place in places]
        places = [each for one in below for each in one] if part.endswith("[]") else below
    for place in places:
        if last.endswith("[]"):
            place[last.removesuffix("[]")] = [value]
        elif value is None:
            place.pop(last, None)
        else:
            place[last] = value
    return found


def bad_values(kind: str, path: str) -> Iterator[Any]:
    if (kind, path) in BAD:
        yield BAD[kind, path]
        return
    ((_, good), *_) = values(GOOD[kind], path)
    yield from (None, not good) if isinstance(good, bool) else (None, "other")


@pytest.mark.parametrize("kind", GOOD)
def test_what_is_right_passes(kind: str) -> None:
    if any(rule.kind == kind for rule in BESIDE):
        beside = [resource(rule.other, GOOD[rule.other], depends=(f"urn:{kind}:it",)) for rule in BESIDE]
        assert judged(resource(kind, GOOD[kind]), *beside) == []
    else:
        assert judged(resource(kind, GOOD[kind])) == []


@pytest.mark.parametrize("rule", MUST, ids=lambda rule: f"{rule.kind.rpartition(':')[2]}.{rule.path}")
def test_every_rule_can_fail(rule: Any) -> None:
    for value in bad_values(rule.kind, rule.path):
        found = judged(resource(rule.kind, changed(GOOD[rule.kind], rule.path, value)))
        caught = [each for each in found if each.policy == rule.policy and each.reason == rule.check.wants]
        if caught:
            return
    raise AssertionError(f"nothing breaks {rule.kind} {rule.path}")


def test_a_bucket_alone_is_open_clear_and_unversioned() -> None:
    found = judged(resource(BUCKET, {}))
    assert {each.policy for each in found} == {"public", "encrypted", "protected"}
    assert "needs a BucketPublicAccessBlock" in str(found[0])


def test_conditions_of_rules() -> None:
    private = changed(GOOD["aws:eks/cluster:Cluster"], "vpcConfig.publicAccessCidrs", None)
    assert judged(resource("aws:eks/cluster:Cluster", private)) != []
    private["vpcConfig"]["endpointPublicAccess"] = False
    assert judged(resource("aws:eks/cluster:Cluster", private)) == []
    egress = {"type": "egress", "cidrBlocks": ["0.0.0.0/0"]}
    assert judged(resource(OLD_RULE, egress)) == []


def test_data_is_protected_where_it_shall_be_kept() -> None:
    loose = resource("gcp:kms/cryptoKey:CryptoKey", GOOD["gcp:kms/cryptoKey:CryptoKey"], protect=False)
    (found,) = judged(loose)
    assert str(found) == "protected: gcp:kms/cryptoKey:CryptoKey 'it': the engine must protect it"
    assert judged(loose, keep=False) == []


@pytest.mark.parametrize(
    ("kind", "good", "bad", "lacks"),
    [
        ("aws:ec2/vpc:Vpc", {"tags": {"mlp": "prod"}}, {"tags": {"other": "x"}}, "tags"),
        ("gcp:artifactregistry/repository:Repository", {"labels": {"mlp": "prod"}}, {}, "labels"),
        ("gcp:container/cluster:Cluster", {"resourceLabels": {"mlp": "prod"}}, {}, "resourceLabels"),
        ("azure-native:network:VirtualNetwork", {"tags": {"mlp": "prod"}}, {"tags": {"mlp": "test"}}, "tags"),
    ],
)
def test_everything_that_takes_tags_bears_them(
    kind: str, good: dict[str, Any], bad: dict[str, Any], lacks: str
) -> None:
    assert about(judged(resource(kind, good), tags=TAGS), lacks) == []
    (found,) = about(judged(resource(kind, bad), tags=TAGS), lacks)
    assert (found.policy, found.reason) == ("tagged", "lacks mlp")


def test_a_providers_own_tags_count_and_types_without_tags_need_none() -> None:
    provider = resource("pulumi:providers:aws", {"defaultTags": {"tags": TAGS}})
    assert judged(provider, resource("aws:ec2/vpc:Vpc", {}), tags=TAGS) == []
    assert judged(resource("aws:ec2/routeTableAssociation:RouteTableAssociation", {}), tags=TAGS) == []
    other = resource("pulumi:providers:aws", {"defaultTags": {"tags": TAGS}}, name="other")
    assert judged(provider, other, resource("aws:ec2/vpc:Vpc", {}), tags=TAGS) != []


def policy(kind: str = "aws:iam/policy:Policy", **statement: Any) -> list[Violation]:
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Sid": "One", **statement}]}
    return judged(resource(kind, {"policy": json.dumps(document)}))


ROOT = {"AWS": "arn:aws:iam::111122223333:root"}
BUCKET_ARN = "arn:aws:s3:::mlp-prod/*"


@pytest.mark.parametrize(
    "statement",
    [
        {"Action": "s3:GetObject", "Resource": BUCKET_ARN},
        {"Action": ["ec2:DescribeInstances", "ecr:GetAuthorizationToken", "ec2:Describe*"], "Resource": "*"},
        {"Action": "ec2:CreateVolume", "Resource": "*", "Condition": {"StringEquals": {"aws:RequestTag/mlp": "prod"}}},
        {"Effect": "Deny", "Action": "*", "Resource": "*"},
    ],
)
def test_narrow_rights_pass(statement: dict[str, Any]) -> None:
    assert policy(**statement) == []


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ({"Action": "*", "Resource": BUCKET_ARN}, "statement 'One' allows '*'"),
        ({"Action": ["s3:GetObject", "s3:*"], "Resource": BUCKET_ARN}, "statement 'One' allows 's3:*'"),
        ({"Action": "s3:PutObject", "Resource": "*"}, "allows 's3:PutObject' on every resource"),
        ({"NotAction": "iam:*", "Resource": BUCKET_ARN}, "allows all but something"),
        ({"Action": "s3:GetObject", "Resource": BUCKET_ARN, "Principal": "*"}, "allows everybody"),
        ({"Action": "s3:GetObject", "Resource": BUCKET_ARN, "Principal": {"AWS": ["*"]}}, "allows everybody"),
    ],
)
def test_wide_rights_are_caught(statement: dict[str, Any], reason: str) -> None:
    (found,) = policy(**statement)
    assert found.policy == "rights"
    assert reason in found.reason


def test_a_keys_own_policy_may_name_its_account() -> None:
    key = "aws:kms/keyPolicy:KeyPolicy"
    assert policy(key, Action="kms:*", Resource="*", Principal=ROOT) == []
    assert policy(key, Action="kms:*", Resource="*", Principal={"AWS": "arn:aws:iam::111122223333:role/x"}) != []


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (
            "gcp:projects/iAMMember:IAMMember",
            {"role": "roles/logging.logWriter", "member": "serviceAccount:a@b"},
            {"role": "roles/editor", "member": "serviceAccount:a@b"},
        ),
        (
            "gcp:storage/bucketIAMMember:BucketIAMMember",
            {"role": "roles/storage.objectUser", "member": "serviceAccount:a@b"},
            {"role": "roles/storage.objectViewer", "member": "allUsers"},
        ),
        (
            "gcp:projects/iAMCustomRole:IAMCustomRole",
            {"permissions": ["storage.objects.get"]},
            {"permissions": ["storage.objects.*"]},
        ),
        (
            "azure-native:authorization:RoleAssignment",
            {"roleDefinitionId": "/x/7f951dda-4ed3-4680-a7ca-43fe172d538d"},
            {"roleDefinitionId": "/x/b24988ac-6180-42a0-ab88-20f7382dd24c"},
        ),
        (
            "azure-native:authorization:RoleDefinition",
            {"permissions": [{"actions": ["Microsoft.Storage/storageAccounts/read"]}]},
            {"permissions": [{"actions": ["Microsoft.Storage/*"]}]},
        ),
    ],
)
def test_wide_roles_are_caught(kind: str, good: dict[str, Any], bad: dict[str, Any]) -> None:
    assert judged(resource(kind, good)) == []
    (found,) = judged(resource(kind, bad))
    assert found.policy == "rights"


def test_a_type_that_could_be_encrypted_and_has_no_rule_is_named() -> None:
    known = resource("aws:ebs/volume:Volume", {"encrypted": True})
    new = resource("aws:sns/topic:Topic", {})
    plain = resource("aws:ec2/vpc:Vpc", {})
    assert unjudged(Declaration((known, new, plain))) == ("aws:sns/topic:Topic",)
