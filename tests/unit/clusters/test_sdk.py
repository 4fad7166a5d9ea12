"""What the installed SDKs take and refuse."""

from __future__ import annotations

from typing import Any

import pytest

from infra.clusters.sdk import UNKNOWN, Wrong, kind, known, wrong_inputs

CLUSTER = "aws:eks/cluster:Cluster"
ACCOUNT = "azure-native:storage:StorageAccount"
VPC: dict[str, Any] = {"subnetIds": ["a"]}
POOL = "gcp:container/nodePool:NodePool"


def test_what_the_types_say_is_taken() -> None:
    subnets: dict[str, Any] = {"roleArn": UNKNOWN, "vpcConfig": {"subnetIds": ["a", UNKNOWN]}, "tags": {"a": "b"}}
    assert wrong_inputs(CLUSTER, subnets) == ()
    sku = {"name": "Standard_LRS"}
    assert wrong_inputs(ACCOUNT, {"resourceGroupName": "g", "kind": "StorageV2", "sku": sku}) == ()
    assert wrong_inputs(POOL, {"cluster": "c", "nodeCount": 3, "nodeConfig": {"labels": {"a": "b"}}}) == ()
    assert wrong_inputs("pulumi:providers:aws", {"region": "eu-central-1", "defaultTags": {"tags": {"a": "b"}}}) == ()


@pytest.mark.parametrize(
    ("token", "inputs", "path", "reason"),
    [
        (CLUSTER, {"roleArn": "r", "vpcConfig": VPC, "nam": "x"}, "nam", "has no property 'nam'; did you mean 'name'?"),
        (CLUSTER, {"vpcConfig": VPC}, "roleArn", "requires 'roleArn'"),
        (CLUSTER, {"roleArn": 1, "vpcConfig": VPC}, "roleArn", "is an integer, must be a string"),
        (CLUSTER, {"roleArn": "r", "vpcConfig": {"subnetIds": [2]}}, "vpcConfig.subnetIds[0]", "must be a string"),
        (CLUSTER, {"roleArn": "r", "vpcConfig": {"subnetIds": "a"}}, "vpcConfig.subnetIds", "must be a list"),
        (CLUSTER, {"roleArn": "r", "vpcConfig": []}, "vpcConfig", "is a list, must be ClusterVpcConfig"),
        (CLUSTER, {"roleArn": "r", "vpcConfig": VPC, "tags": {"a": True}}, "tags['a']", "is true or false, must be"),
        (POOL, {"cluster": "c", "nodeCount": True}, "nodeCount", "must be an integer"),
        (POOL, {"cluster": "c", "nodeConfig": {"spott": True}}, "nodeConfig.spott", "did you mean 'spot'?"),
        (
            ACCOUNT,
            {"resourceGroupName": "g", "kind": "V3", "sku": {"name": "Standard_LRS"}},
            "kind",
            "is 'V3', must be one of 'Storage', 'StorageV2'",
        ),
    ],
)
def test_everything_else_is_refused_with_its_path(token: str, inputs: dict[str, Any], path: str, reason: str) -> None:
    (wrong,) = wrong_inputs(token, inputs)
    assert wrong.path == path
    assert reason in wrong.reason


def test_every_mistake_is_told_and_no_value() -> None:
    found = wrong_inputs(CLUSTER, {"roleArn": 3, "encryptionConfig": "hush"})
    assert found == (
        Wrong("roleArn", "is an integer, must be a string"),
        Wrong("encryptionConfig", "is a string, must be ClusterEncryptionConfig"),
        Wrong("vpcConfig", "aws:eks/cluster:Cluster requires 'vpcConfig'"),
    )


def test_types_that_are_not_there_are_named() -> None:
    assert known(CLUSTER)
    assert known("pulumi:providers:gcp")
    assert not known("kubernetes:core/v1:ConfigMap")
    with pytest.raises(LookupError, match="no resource type aws:eks/clusterr:Clusterr"):
        kind("aws:eks/clusterr:Clusterr")
    with pytest.raises(LookupError, match="is no resource of a cloud"):
        kind("kubernetes:core/v1:ConfigMap")
