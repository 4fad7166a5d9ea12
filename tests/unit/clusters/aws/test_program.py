"""What the program declares, resource by resource where safety depends on it."""

from __future__ import annotations

import json
import pickle
import sys
from typing import Any

import pytest
import yaml

from components.managed import Managed
from infra.clusters.aws import AwsCluster, program
from infra.clusters.aws.shape import repositories, shape
from infra.clusters.sdk import kind, wrong_inputs
from infra.engine.declared import Declaration
from tests.unit.clusters.aws.declarations import (
    ACCOUNT,
    ADMIN,
    LOAD_BALANCER,
    OPEN,
    declared,
    declared_address,
    profile,
    properties,
)

TAGS = {"mlp:installation": "blue", "managed-by": "mlp"}
BOTH: tuple[tuple[str, ...], ...] = ((), OPEN)


def one(declaration: Declaration, token: str, name: str) -> dict[str, Any]:
    return properties(declaration.one(token, name))


def resources(declaration: Declaration) -> list[Any]:
    return [each for each in declaration.resources if each.custom and not each.kind.startswith("pulumi:")]


@pytest.mark.parametrize("given", BOTH, ids=["private", "open"])
def test_every_property_is_one_that_the_sdk_knows(given: tuple[str, ...]) -> None:
    found = {each.urn: wrong_inputs(each.kind, properties(each)) for each in resources(declared(*given))}
    assert {urn: wrong for urn, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize("given", BOTH, ids=["private", "open"])
def test_all_that_takes_tags_bears_ours(given: tuple[str, ...]) -> None:
    wanted = TAGS | ({"team": "ml"} if given else {})
    for each in resources(declared(*given)):
        if "tags" in kind(each.kind).inputs:
            assert wanted.items() <= dict(each.properties.get("tags", {})).items(), each.urn


@pytest.mark.parametrize("given", BOTH, ids=["private", "open"])
def test_every_resource_goes_through_the_provider_of_the_account(given: tuple[str, ...]) -> None:
    (provider,) = declared(*given).of("pulumi:providers:aws")
    assert provider.properties["region"] == "eu-central-1"
    assert json.loads(provider.properties["allowedAccountIds"]) == [ACCOUNT]


def test_the_cluster() -> None:
    found = declared()
    made = one(found, "aws:eks/cluster:Cluster", "cluster")
    key = found.exports["managed"]["cloud"]["key"]
    assert made == {
        "name": "mlp-blue",
        "roleArn": f"arn:aws:iam::{ACCOUNT}:role/mlp-blue-cluster-role",
        "version": "1.36",
        "deletionProtection": True,
        "bootstrapSelfManagedAddons": False,
        "accessConfig": {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": True},
        "enabledClusterLogTypes": ["api", "audit", "authenticator", "controllerManager", "scheduler"],
        "encryptionConfig": {
            "provider": {"keyArn": made["encryptionConfig"]["provider"]["keyArn"]},
            "resources": ["secrets"],
        },
        "kubernetesNetworkConfig": {"serviceIpv4Cidr": "10.96.0.0/16", "ipFamily": "ipv4"},
        "upgradePolicy": {"supportType": "STANDARD"},
        "vpcConfig": {
            "subnetIds": made["vpcConfig"]["subnetIds"],
            "endpointPrivateAccess": True,
            "endpointPublicAccess": False,
        },
        "tags": {"Name": "mlp-blue", **TAGS},
    }
    assert made["encryptionConfig"]["provider"]["keyArn"] != key, "data has a key of its own"
    assert len(made["vpcConfig"]["subnetIds"]) == 3


def test_a_public_endpoint_answers_to_the_ranges_of_the_profile_only() -> None:
    found = declared(*OPEN)
    made = one(found, "aws:eks/cluster:Cluster", "cluster")["vpcConfig"]
    assert made["endpointPublicAccess"]
    assert made["endpointPrivateAccess"]
    assert made["publicAccessCidrs"] == ["203.0.113.0/24"]
    peer = one(found, "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "peer-10.8.0.0-16")
    assert (peer["cidrIpv4"], peer["fromPort"], peer["toPort"]) == ("10.8.0.0/16", 443, 443)


def test_administrators_of_the_profile_get_an_access_entry() -> None:
    found = declared(*OPEN)
    entry = found.one("aws:eks/accessEntry:AccessEntry", "123456789012-role-admin")
    (policy,) = found.of("aws:eks/accessPolicyAssociation:AccessPolicyAssociation")
    assert entry.properties["principalArn"] == policy.properties["principalArn"] == ADMIN
    assert policy.properties["policyArn"] == "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
    assert entry.urn in policy.depends


def test_nobody_comes_in_from_anywhere() -> None:
    for given in BOTH:
        found = declared(*given)
        for rule in found.of("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"):
            assert rule.properties.get("cidrIpv4") in (None, "10.40.0.0/16", "10.8.0.0/16"), rule.urn
        assert found.of("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule") == ()
        for group in found.of("aws:ec2/securityGroup:SecurityGroup"):
            assert not {"ingress", "egress"} & set(group.properties), "rules are resources of their own"
        assert not any(subnet.properties["mapPublicIpOnLaunch"] for subnet in found.of("aws:ec2/subnet:Subnet"))


def test_groups_of_nodes_hold_those_that_are_always_there() -> None:
    found = declared(*OPEN)
    cpu = one(found, "aws:eks/nodeGroup:NodeGroup", "cpu")
    assert cpu == {
        "nodeGroupName": "mlp-blue-cpu-446f39",
        "clusterName": "mlp-blue",
        "nodeRoleArn": f"arn:aws:iam::{ACCOUNT}:role/mlp-blue-node-role",
        "subnetIds": cpu["subnetIds"],
        "amiType": "BOTTLEROCKET_x86_64",
        "capacityType": "ON_DEMAND",
        "scalingConfig": {"minSize": 2, "maxSize": 2, "desiredSize": 2},
        "updateConfig": {"maxUnavailablePercentage": 33},
        "nodeRepairConfig": {"enabled": True},
        "labels": {"mlp.io/pool": "cpu", "mlp.io/purpose": "cpu"},
        "taints": [],
        "launchTemplate": {"id": cpu["launchTemplate"]["id"], "version": "1"},
        "tags": {"Name": "mlp-blue-cpu-446f39", "team": "ml", **TAGS},
    }
    private = {subnet.name for subnet in found.of("aws:ec2/subnet:Subnet") if subnet.name.startswith("private-")}
    assert private == {"private-a", "private-b", "private-c"}
    assert {each.name for each in found.of("aws:eks/nodeGroup:NodeGroup")} == {"system", "cpu"}, (
        "others begin with none"
    )


def test_a_pool_that_keeps_spot_machines_has_a_group_of_them() -> None:
    pools = (
        '[{"name":"system","purpose":"system","minimum":1},{"name":"spot","spot":true,"minimum":1,"maximum":1},'
        '{"name":"gpu","purpose":"gpu","gpu_class":"l4","minimum":1,"maximum":2}]'
    )
    found = declared(f"aws.pools={pools}")
    spot = one(found, "aws:eks/nodeGroup:NodeGroup", "spot")
    assert spot["capacityType"] == "SPOT"
    assert spot["taints"] == [{"key": "mlp.io/spot", "value": "true", "effect": "NO_SCHEDULE"}]
    gpu = one(found, "aws:eks/nodeGroup:NodeGroup", "gpu")
    assert gpu["amiType"] == "BOTTLEROCKET_x86_64_NVIDIA"
    assert gpu["taints"] == [{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}]
    scaling = Managed.model_validate(found.exports["managed"]).scaling
    assert scaling is not None
    assert {pool.name: pool.most for pool in scaling.pools} == {"system": 2, "gpu": 1}, "spot never grows"


def test_pods_are_kept_from_the_metadata_of_their_node_and_disks_are_encrypted() -> None:
    for given in BOTH:
        templates = declared(*given).of("aws:ec2/launchTemplate:LaunchTemplate")
        assert templates
        for template in map(properties, templates):
            assert template["metadataOptions"] == {
                "httpEndpoint": "enabled",
                "httpTokens": "required",
                "httpPutResponseHopLimit": 1,
            }
            assert [disk["ebs"]["encrypted"] for disk in template["blockDeviceMappings"]] == ["true", "true"]
            assert "keyName" not in template
            assert {spec["resourceType"] for spec in template["tagSpecifications"]} >= {"instance", "volume"}


def test_nodes_start_when_their_network_and_rights_are_there() -> None:
    found = declared()
    for group in found.of("aws:eks/nodeGroup:NodeGroup"):
        before = {urn.rpartition("$")[2] for urn in group.depends}
        assert before >= {
            "aws:eks/addon:Addon::vpc-cni",
            "aws:eks/addon:Addon::kube-proxy",
            "aws:eks/addon:Addon::eks-pod-identity-agent",
            "aws:ec2/route:Route::private-a",
            "aws:iam/rolePolicyAttachment:RolePolicyAttachment::AmazonEKSWorkerNodePolicy",
        }
    later = found.one("aws:eks/addon:Addon", "coredns").depends
    assert {urn.rpartition("::")[2] for urn in later} >= {"system", "cpu"}


def test_the_network_enforces_policies() -> None:
    addon = one(declared(), "aws:eks/addon:Addon", "vpc-cni")
    assert json.loads(addon["configurationValues"]) == {"enableNetworkPolicy": "true"}
    names = {each.name for each in declared().of("aws:eks/addon:Addon")}
    assert names == {
        "aws-ebs-csi-driver",
        "aws-efs-csi-driver",
        "coredns",
        "eks-pod-identity-agent",
        "kube-proxy",
        "metrics-server",
        "vpc-cni",
    }


def test_the_bucket_is_private_versioned_and_encrypted() -> None:
    found = declared()
    name = f"mlp-blue-{ACCOUNT}-artifacts"
    bucket = found.one("aws:s3/bucket:Bucket", "artifacts")
    assert bucket.protect
    assert properties(bucket) == {"bucket": name, "forceDestroy": False, "tags": {"Name": name, **TAGS}}
    assert one(found, "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "artifacts") == {
        "bucket": name,
        "blockPublicAcls": True,
        "blockPublicPolicy": True,
        "ignorePublicAcls": True,
        "restrictPublicBuckets": True,
    }
    assert one(found, "aws:s3/bucketVersioning:BucketVersioning", "artifacts") == {
        "bucket": name,
        "versioningConfiguration": {"status": "Enabled"},
    }
    encryption = one(
        found, "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration", "artifacts"
    )
    assert encryption["rules"] == [
        {
            "applyServerSideEncryptionByDefault": {
                "sseAlgorithm": "aws:kms",
                "kmsMasterKeyId": found.exports["managed"]["cloud"]["key"],
            },
            "bucketKeyEnabled": True,
        }
    ]
    policy = json.loads(one(found, "aws:s3/bucketPolicy:BucketPolicy", "artifacts")["policy"])
    assert policy["Statement"] == [
        {
            "Sid": "OnlyTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    ]


def test_the_database_is_private_encrypted_and_kept() -> None:
    made = declared().one("aws:rds/instance:Instance", "database")
    found = properties(made)
    assert made.protect
    key = declared().exports["managed"]["cloud"]["key"]
    assert {
        "engine": "postgres",
        "publiclyAccessible": False,
        "storageEncrypted": True,
        "kmsKeyId": key,
        "manageMasterUserPassword": True,
        "masterUserSecretKmsKeyId": key,
        "performanceInsightsKmsKeyId": key,
        "backupRetentionPeriod": 14,
        "deleteAutomatedBackups": False,
        "deletionProtection": True,
        "skipFinalSnapshot": False,
        "finalSnapshotIdentifier": "mlp-blue-database-final",
        "multiAz": False,
        "allocatedStorage": 50,
        "maxAllocatedStorage": 100,
    }.items() <= found.items()
    assert "password" not in found
    parameters = one(declared(), "aws:rds/parameterGroup:ParameterGroup", "database")["parameters"]
    assert {"name": "rds.force_ssl", "value": "1"} in parameters
    rule = one(declared(), "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "database")
    nodes = declared().one("aws:eks/cluster:Cluster", "cluster")
    assert nodes.urn in declared().one("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "database").depends
    assert (rule["fromPort"], rule["toPort"], "cidrIpv4" in rule) == (5432, 5432, False)


def test_without_protection_everything_can_go_at_once() -> None:
    found = declared(*OPEN)
    assert not any(each.protect for each in found.resources)
    database = one(found, "aws:rds/instance:Instance", "database")
    assert (database["deletionProtection"], database["skipFinalSnapshot"], database["multiAz"]) == (False, True, True)
    assert one(found, "aws:s3/bucket:Bucket", "artifacts")["forceDestroy"]
    assert not one(found, "aws:eks/cluster:Cluster", "cluster")["deletionProtection"]


def test_what_is_protected_is_data_and_its_keys() -> None:
    assert {f"{each.kind.rpartition(':')[2]} {each.name}" for each in declared().resources if each.protect} == {
        "Bucket artifacts",
        "FileSystem files",
        "Instance database",
        "Key cluster",
        "Key data",
    }


def test_the_file_system_is_encrypted_and_mounted_by_tls() -> None:
    made = one(declared(), "aws:efs/fileSystem:FileSystem", "files")
    assert made["encrypted"]
    assert made["kmsKeyId"] == declared().exports["managed"]["cloud"]["key"]
    policy = json.loads(one(declared(), "aws:efs/fileSystemPolicy:FileSystemPolicy", "files")["policy"])
    assert [each["Effect"] for each in policy["Statement"]] == ["Allow", "Deny"]
    assert len(declared().of("aws:efs/mountTarget:MountTarget")) == 3


def test_images_have_repositories_that_nobody_overwrites() -> None:
    found = declared().of("aws:ecr/repository:Repository")
    prefix = profile().supply.registry.partition("/")[2]
    assert [each.properties["name"] for each in found] == [f"{prefix}{name}" for name in repositories(profile())]
    for each in found:
        assert each.properties["imageTagMutability"] == "IMMUTABLE"
        assert each.properties["imageScanningConfiguration"] == {"scanOnPush": True}
        assert each.properties["encryptionConfigurations"][0]["encryptionType"] == "KMS"


def test_images_that_are_given_have_repositories_too() -> None:
    told = program(profile()).told("authority", ["team/app", "gateway"])
    assert told.database_authority == "authority"
    assert told.shape.repositories == tuple(sorted({*repositories(profile()), "team/app", "gateway"}))
    assert program(profile()).told("", ()) == program(profile())


def test_keys_rotate_and_take_a_month_to_go() -> None:
    for each in map(properties, declared().of("aws:kms/key:Key")):
        assert (each["enableKeyRotation"], each["deletionWindowInDays"]) == (True, 30)
        first, *others = json.loads(each["policy"])["Statement"]
        assert first["Principal"] == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
        assert all(list(other["Principal"]) == ["Service"] for other in others)


def test_every_log_is_kept_encrypted_for_as_long_as_the_profile_says() -> None:
    found = list(map(properties, declared().of("aws:cloudwatch/logGroup:LogGroup")))
    assert {each["name"] for each in found} == {
        "/aws/eks/mlp-blue/cluster",
        "/aws/rds/instance/mlp-blue-database/postgresql",
        "/aws/rds/instance/mlp-blue-database/upgrade",
        "/mlp/mlp-blue/flow-log",
    }
    assert {each["retentionInDays"] for each in found} == {90}
    assert all(each["kmsKeyId"] for each in found)


def test_ways_out_by_size() -> None:
    assert [each.name for each in declared().of("aws:ec2/natGateway:NatGateway")] == ["nat-a"]
    assert [each.name for each in declared(*OPEN).of("aws:ec2/natGateway:NatGateway")] == ["nat-a", "nat-b", "nat-c"]
    used = {route.name: route.properties.get("natGatewayId") for route in declared().of("aws:ec2/route:Route")}
    assert used["private-a"] == used["private-b"] == used["private-c"] != None  # noqa: E711
    endpoints = {each.name: each.properties for each in declared().of("aws:ec2/vpcEndpoint:VpcEndpoint")}
    assert set(endpoints) == {"s3", "ecr.api", "ecr.dkr", "sts"}
    assert endpoints["sts"]["serviceName"] == "com.amazonaws.eu-central-1.sts"
    assert endpoints["sts"]["privateDnsEnabled"]


def test_the_database_has_no_way_out() -> None:
    found = declared()
    subnets = {each.urn: each.name for each in found.of("aws:ec2/subnet:Subnet")}
    routed = {
        subnets[urn]
        for each in found.of("aws:ec2/routeTableAssociation:RouteTableAssociation")
        for urn in each.depends
        if urn in subnets
    }
    assert routed == {f"{use}-{letter}" for use in ("public", "private") for letter in "abc"}


def test_what_the_cluster_gives() -> None:
    found = declared()
    managed = Managed.model_validate(found.exports["managed"])
    assert managed.artifacts == f"s3://mlp-blue-{ACCOUNT}-artifacts"
    assert managed.storage_class == "mlp-gp3"
    assert [each["metadata"]["name"] for each in managed.storage_classes] == ["mlp-gp3", "mlp-efs"]
    assert managed.storage_classes[0]["parameters"]["encrypted"] == "true"
    assert managed.storage_classes[0]["parameters"]["tagSpecification_1"] == "mlp:installation=blue"
    assert managed.identities == {}
    assert managed.database.tls == "require"
    assert managed.cloud.kind == "aws"
    assert managed.cloud.permissions_boundary == f"arn:aws:iam::{ACCOUNT}:policy/mlp-blue-workspaces"
    assert managed.load_balancer["service.beta.kubernetes.io/aws-load-balancer-internal"] == "true"
    assert managed.sources == ()
    assert found.exports["network"]["api_server_endpoints"] == [
        "10.40.224.0/22:443",
        "10.40.228.0/22:443",
        "10.40.232.0/22:443",
    ]
    assert found.exports["databasePassword"]


def test_the_kubeconfig_holds_no_credential() -> None:
    config = yaml.safe_load(declared().exports["kubeconfig"])
    (user,) = config["users"]
    assert list(user["user"]) == ["exec"]
    run = user["user"]["exec"]
    assert [run["command"], *run["args"]] == [
        sys.executable,
        "-m",
        "infra.clouds.aws.token",
        "--cluster=mlp-blue",
        "--region=eu-central-1",
    ]


def test_people_of_the_profile_reach_the_gateway_and_irsa_names_the_roles() -> None:
    managed = Managed.model_validate(declared(*OPEN).exports["managed"])
    assert managed.load_balancer["service.beta.kubernetes.io/aws-load-balancer-internal"] == "false"
    assert managed.sources == ("203.0.113.0/24", "10.8.0.0/16")
    role = f"arn:aws:iam::{ACCOUNT}:role/mlp-blue-tracking-role"
    assert managed.account_annotations("mlp-tracking", "tracking") == {"eks.amazonaws.com/role-arn": role}
    assert managed.cloud.kind == "aws"
    assert managed.cloud.oidc_issuer.startswith("oidc.eks.eu-central-1.amazonaws.com/id/")


def test_a_known_authority_is_checked() -> None:
    known = {
        "cluster": "c",
        "issuer": "",
        "boundary": "b",
        "key": "k",
        "host": "h",
        "bucket": "a",
        "files": "fs-1",
        "certificate": "arn",
        "annotations": {},
        "storage": [],
        "endpoint": "https://api",
        "profile": "p",
        "queue": "q",
        "subnets": ["subnet-1"],
        "group": "sg-1",
    }
    database = AwsCluster(shape(profile()), "-----BEGIN CERTIFICATE-----").managed(known).database
    assert (database.tls, database.ca) == ("verify-full", "-----BEGIN CERTIFICATE-----")


def test_the_domain_leads_to_the_load_balancer() -> None:
    record = one(declared_address(), "aws:route53/record:Record", "gateway")
    assert record["name"] == "ml.example.com"
    assert record["type"] == "A"
    assert record["aliases"][0]["name"] == LOAD_BALANCER
    servers = one(declared_address(), "aws:route53/record:Record", "notebooks")
    assert servers["name"] == "*.notebooks.ml.example.com"
    assert servers["aliases"] == record["aliases"]


def test_the_certificate_is_good_for_notebook_servers_and_each_name_is_proven() -> None:
    made = declared()
    certificate = one(made, "aws:acm/certificate:Certificate", "certificate")
    assert certificate["subjectAlternativeNames"] == ["*.notebooks.ml.example.com"]
    proofs = [one(made, "aws:route53/record:Record", name)["name"] for name in ("validation", "validation-notebooks")]
    assert [name.split(".", 1)[1] for name in proofs] == ["ml.example.com.", "notebooks.ml.example.com."]


def test_the_program_goes_to_other_processes() -> None:
    made = program(profile())
    assert pickle.loads(pickle.dumps(made)) == made  # noqa: S301 - our own bytes
