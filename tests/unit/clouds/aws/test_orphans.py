"""What is left is found by tag, and by name where AWS has no search by tag."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from infra.clouds.aws.cloud import AwsCloud
from infra.clouds.aws.orphans import _going, parsed
from infra.clouds.aws.session import Session
from infra.clouds.model import CloudError
from tests.unit.clusters.aws.declarations import ACCOUNT, profile

TAGS = [{"Key": "mlp:installation", "Value": "blue"}]
OTHERS = [{"Key": "mlp:installation", "Value": "green"}]


def found(aws: Session) -> dict[str, str]:
    return {each.kind: each.remedy for each in AwsCloud(profile(), aws).orphans()}


def test_an_empty_account_has_none(aws: Session) -> None:
    assert AwsCloud(profile(), aws).orphans() == []


def test_everything_with_our_tag_and_nothing_else(aws: Session) -> None:
    ec2, iam = aws.client("ec2"), aws.client("iam")
    for tags in (TAGS, OTHERS):
        name = tags[0]["Value"]
        ec2.create_volume(
            AvailabilityZone="eu-central-1a", Size=1, TagSpecifications=[{"ResourceType": "volume", "Tags": tags}]
        )
        vpc = {"ResourceType": "vpc", "Tags": tags}
        ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=[vpc])
        trust = json.dumps({"Version": "2012-10-17", "Statement": []})
        iam.create_role(RoleName=f"mlp-{name}-ws-01", Path="/mlp/tenants/", AssumeRolePolicyDocument=trust, Tags=tags)
        iam.create_role(RoleName=f"mlp-{name}-node-role", AssumeRolePolicyDocument=trust, Tags=tags)
        document = {"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "*"}}
        iam.create_policy(PolicyName=f"mlp-{name}-workspaces", PolicyDocument=json.dumps(document), Tags=tags)
    iam.create_role(RoleName="mlp-blue-not-ours", AssumeRolePolicyDocument=trust)
    left = AwsCloud(profile(), aws).orphans()
    assert [each.kind for each in left] == ["ec2:volume", "ec2:vpc", "iam:policy", "iam:role", "iam:role"]
    assert [each.identity for each in left if each.kind == "iam:role"] == [
        f"arn:aws:iam::{ACCOUNT}:role/mlp-blue-node-role",
        f"arn:aws:iam::{ACCOUNT}:role/mlp/tenants/mlp-blue-ws-01",
    ]
    assert left[0].remedy.startswith("aws ec2 delete-volume --region eu-central-1 --volume-id vol-")
    assert left[-1].remedy == "aws iam delete-role --role-name mlp-blue-ws-01"


def test_keys_and_machines_that_are_going_are_no_orphans(aws: Session) -> None:
    kms = aws.client("kms")
    key = kms.create_key(Tags=[{"TagKey": "mlp:installation", "TagValue": "blue"}])["KeyMetadata"]["KeyId"]
    assert set(found(aws)) == {"kms:key"}
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=30)
    assert found(aws) == {}


def test_what_scales_nodes_is_found_by_tag_and_name(aws: Session) -> None:
    aws.client("sqs").create_queue(QueueName="mlp-blue-node-events", tags={"mlp:installation": "blue"})
    for name, tags in (("mlp-blue-scaled-node", TAGS), ("mlp-green-scaled-node", OTHERS)):
        aws.client("iam").create_instance_profile(InstanceProfileName=name, Tags=tags)
    left = found(aws)
    assert set(left) == {"iam:instance-profile", "sqs"}
    assert "get-queue-url --region eu-central-1 --queue-name mlp-blue-node-events" in left["sqs"]
    assert left["iam:instance-profile"].endswith("--instance-profile-name mlp-blue-scaled-node")


@pytest.mark.parametrize(
    ("arn", "answer", "going"),
    [
        ("fleet/fleet-1", {"Fleets": [{"Type": "instant", "FleetState": "active"}]}, True),
        ("fleet/fleet-1", {"Fleets": [{"Type": "maintain", "FleetState": "active"}]}, False),
        ("fleet/fleet-1", {"Fleets": [{"Type": "maintain", "FleetState": "deleted_running"}]}, True),
        ("spot-instances-request/sir-1", {"SpotInstanceRequests": [{"State": "closed"}]}, True),
        ("spot-instances-request/sir-1", {"SpotInstanceRequests": [{"State": "active"}]}, False),
    ],
)
def test_orders_of_machines_that_are_over_are_no_orphans(
    aws: Session, arn: str, answer: dict[str, object], going: bool
) -> None:
    calls = {"fleet": "describe_fleets", "spot-instances-request": "describe_spot_instance_requests"}
    with Stubber(aws.client("ec2")) as ec2:
        for _ in range(2):
            ec2.add_response(calls[arn.partition("/")[0]], answer)
        assert _going(f"arn:aws:ec2:eu-central-1:{ACCOUNT}:{arn}", aws) == going


def test_a_refusal_names_the_rights(aws: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> object:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetResources")

    monkeypatch.setattr(aws.client("resourcegroupstaggingapi"), "get_paginator", refuse)
    with pytest.raises(CloudError, match=r"AccessDenied: no.*aws-questions\.json"):
        AwsCloud(profile(), aws).orphans()


@pytest.mark.parametrize(
    ("arn", "kind", "identity"),
    [
        ("arn:aws:s3:::mlp-blue-artifacts", "s3:bucket", "mlp-blue-artifacts"),
        ("arn:aws:ec2:eu-central-1:1:volume/vol-1", "ec2:volume", "vol-1"),
        ("arn:aws:logs:eu-central-1:1:log-group:/aws/eks/x/cluster:*", "logs:log-group", "/aws/eks/x/cluster"),
        ("arn:aws:rds:eu-central-1:1:db:mlp-blue-database", "rds:db", "mlp-blue-database"),
        ("arn:aws:ecr:eu-central-1:1:repository/mlp-blue/gateway", "ecr:repository", "mlp-blue/gateway"),
        ("arn:aws:iam::1:role/mlp/tenants/r", "iam:role", "r"),
        ("arn:aws:events:eu-central-1:1:rule/mlp-blue-node-events", "events:rule", "mlp-blue-node-events"),
        ("arn:aws:sqs:eu-central-1:1:mlp-blue-node-events", "sqs", "mlp-blue-node-events"),
        ("arn:aws:sns:eu-central-1:1:topic", "sns", "topic"),
    ],
)
def test_arns(arn: str, kind: str, identity: str) -> None:
    assert parsed(arn) == (kind, identity)
