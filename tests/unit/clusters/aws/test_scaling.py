"""Nodes on demand: what the program makes for them, and what their maker may do."""

from __future__ import annotations

import json

import pytest

from components.managed import Managed, ScaledPool
from tests.identity_support.iam import Request, permitted
from tests.unit.clusters.aws.declarations import ACCOUNT, OPEN, declared, properties

REGION = f"eu-central-1:{ACCOUNT}"
NODE_ROLE = f"arn:aws:iam::{ACCOUNT}:role/mlp-blue-scaled-node-role"
QUEUE = f"arn:aws:sqs:{REGION}:mlp-blue-node-events"
TAGS = {"mlp:installation": "blue", "managed-by": "mlp"}
OWN = {
    "aws:{}Tag/mlp:installation": "blue",
    "aws:{}Tag/kubernetes.io/cluster/mlp-blue": "owned",
    "aws:{}Tag/karpenter.sh/nodepool": "cpu",
}
"""Tags of what Karpenter made: of the resource, or in the request that makes it."""


def own(where: str, **more: str) -> dict[str, str]:
    return {**{key.format(where): value for key, value in OWN.items()}, **more}


def test_what_pools_grow_by() -> None:
    scaling = Managed.model_validate(declared(*OPEN).exports["managed"]).scaling
    assert scaling is not None
    assert (scaling.cluster, scaling.instance_profile, scaling.queue) == (
        "mlp-blue",
        "mlp-blue-scaled-node",
        "mlp-blue-node-events",
    )
    assert scaling.endpoint.startswith("https://")
    assert scaling.security_group.startswith("sg-")
    assert len(scaling.subnets) == 3
    assert scaling.tags == {**TAGS, "team": "ml"}
    assert {pool.name: (pool.most, pool.cpus) for pool in scaling.pools} == {
        "system": (3, 4),
        "cpu": (8, 8),
        "spot": (10, 8),
        "gpu": (4, 4),
    }
    assert scaling.pools[3] == ScaledPool(
        name="gpu",
        purpose="gpu",
        machine="g6.xlarge",
        cpus=4,
        most=4,
        spot=False,
        disk_gib=200,
        labels={"mlp.io/pool": "gpu", "mlp.io/purpose": "gpu", "mlp.io/gpu-class": "l4"},
        taints={"nvidia.com/gpu": "present"},
    )


def test_nodes_on_demand_join_with_a_role_of_their_own() -> None:
    found = declared()
    entry = properties(found.one("aws:eks/accessEntry:AccessEntry", "scaled-node"))
    assert entry == {
        "clusterName": "mlp-blue",
        "principalArn": NODE_ROLE,
        "type": "EC2_LINUX",
        "tags": {"Name": "mlp-blue-scaled-node", **TAGS},
    }
    profile = properties(found.one("aws:iam/instanceProfile:InstanceProfile", "scaled-node"))
    assert (profile["name"], profile["role"]) == ("mlp-blue-scaled-node", "mlp-blue-scaled-node-role")
    given = {
        each.properties["policyArn"].rpartition("/")[2]
        for each in found.of("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
        if each.properties["role"] == "mlp-blue-scaled-node-role"
    }
    assert given == {"AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly"}


def test_news_of_machines_reach_the_queue_and_nobody_else_does() -> None:
    found = declared()
    queue = properties(found.one("aws:sqs/queue:Queue", "node-events"))
    assert queue == {
        "name": "mlp-blue-node-events",
        "messageRetentionSeconds": 300,
        "sqsManagedSseEnabled": True,
        "tags": {"Name": "mlp-blue-node-events", **TAGS},
    }
    rule = found.one("aws:cloudwatch/eventRule:EventRule", "node-events")
    pattern = json.loads(rule.properties["eventPattern"])
    assert pattern["source"] == ["aws.ec2", "aws.health"]
    assert "EC2 Spot Instance Interruption Warning" in pattern["detail-type"]
    target = found.one("aws:cloudwatch/eventTarget:EventTarget", "node-events")
    assert target.properties["arn"] == QUEUE
    assert rule.urn in target.depends
    policy = json.loads(found.one("aws:sqs/queuePolicy:QueuePolicy", "node-events").properties["policy"])
    assert policy["Statement"] == [
        {
            "Sid": "Send",
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": QUEUE,
            "Condition": {"ArnEquals": {"aws:SourceArn": f"arn:aws:events:{REGION}:rule/mlp-blue-node-events"}},
        },
        {
            "Sid": "OnlyTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sqs:*",
            "Resource": QUEUE,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    ]


def allowed(request: Request, *given: str) -> bool:
    policy = declared(*given).one("aws:iam/rolePolicy:RolePolicy", "autoscaling").properties["policy"]
    return permitted(request, [json.loads(policy)])


INSTANCE = f"arn:aws:ec2:{REGION}:instance/i-1"
TEMPLATE = f"arn:aws:ec2:{REGION}:launch-template/lt-1"
IMAGE = "arn:aws:ec2:eu-central-1::image/ami-1"
SUBNET = f"arn:aws:ec2:{REGION}:subnet/subnet-1"
GROUP = f"arn:aws:ec2:{REGION}:security-group/sg-1"
VOLUME = f"arn:aws:ec2:{REGION}:volume/vol-1"
SPOT_ROLE = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot"
IN_REGION: dict[str, str] = {"aws:RequestedRegion": "eu-central-1"}


@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        ("ec2:RunInstances", INSTANCE, own("Request")),
        ("ec2:RunInstances", VOLUME, own("Request")),
        ("ec2:CreateFleet", f"arn:aws:ec2:{REGION}:fleet/fleet-1", own("Request")),
        ("ec2:CreateLaunchTemplate", TEMPLATE, own("Request")),
        ("ec2:CreateFleet", TEMPLATE, own("Resource")),
        ("ec2:RunInstances", IMAGE, {}),
        ("ec2:RunInstances", SUBNET, {"aws:ResourceTag/mlp:installation": "blue"}),
        ("ec2:RunInstances", GROUP, {"aws:ResourceTag/aws:eks:cluster-name": "mlp-blue"}),
        ("ec2:CreateTags", INSTANCE, own("Request", **{"ec2:CreateAction": "CreateFleet"})),
        ("ec2:TerminateInstances", INSTANCE, own("Resource")),
        ("ec2:DeleteLaunchTemplate", TEMPLATE, own("Resource")),
        ("iam:PassRole", NODE_ROLE, {"iam:PassedToService": "ec2.amazonaws.com"}),
        ("ec2:DescribeInstances", "*", IN_REGION),
        ("ssm:GetParameter", "arn:aws:ssm:eu-central-1::parameter/aws/service/bottlerocket/aws-k8s-1.36/x", {}),
        ("sqs:ReceiveMessage", QUEUE, {}),
    ],
)
def test_the_autoscaler_makes_and_removes_nodes(action: str, resource: str, context: dict[str, str]) -> None:
    assert allowed(Request(action, resource, context=context))


@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        ("ec2:RunInstances", INSTANCE, {}),
        ("ec2:RunInstances", INSTANCE, own("Request", **{"aws:RequestTag/mlp:installation": "green"})),
        ("ec2:CreateFleet", TEMPLATE, {"aws:ResourceTag/mlp:installation": "blue"}),
        ("ec2:RunInstances", SUBNET, {"aws:ResourceTag/mlp:installation": "green"}),
        ("ec2:RunInstances", GROUP, {"aws:ResourceTag/mlp:installation": "blue"}),
        # A node of the groups that are always there bears the installation's tag, but no pool of Karpenter's.
        ("ec2:TerminateInstances", INSTANCE, {"aws:ResourceTag/mlp:installation": "blue"}),
        ("ec2:TerminateInstances", INSTANCE, own("Resource", **{"aws:ResourceTag/mlp:installation": "green"})),
        ("ec2:CreateTags", SUBNET, own("Request", **{"ec2:CreateAction": "RunInstances"})),
        ("ec2:ModifyInstanceAttribute", INSTANCE, own("Resource")),
        (
            "iam:PassRole",
            f"arn:aws:iam::{ACCOUNT}:role/mlp-blue-node-role",
            {"iam:PassedToService": "ec2.amazonaws.com"},
        ),
        ("iam:PassRole", NODE_ROLE, {"iam:PassedToService": "lambda.amazonaws.com"}),
        ("iam:CreateInstanceProfile", f"arn:aws:iam::{ACCOUNT}:instance-profile/x", {}),
        ("iam:CreateServiceLinkedRole", SPOT_ROLE, {"iam:AWSServiceName": "spot.amazonaws.com"}),
        ("ec2:DescribeInstances", "*", {"aws:RequestedRegion": "us-east-1"}),
        ("ssm:GetParameter", f"arn:aws:ssm:{REGION}:parameter/secret", {}),
        ("sqs:SendMessage", QUEUE, {}),
    ],
)
def test_and_nothing_else(action: str, resource: str, context: dict[str, str]) -> None:
    assert not allowed(Request(action, resource, context=context))


@pytest.mark.parametrize(
    ("keys", "allows"),
    [
        (["Name", "karpenter.sh/nodeclaim", "eks:eks-cluster-name"], True),
        (["mlp:installation"], False),
        (["Name", "karpenter.sh/nodepool"], False),
    ],
)
def test_it_names_its_nodes_but_moves_none_to_another_owner(keys: list[str], allows: bool) -> None:
    assert allowed(Request("ec2:CreateTags", INSTANCE, context=own("Resource"), sets={"aws:TagKeys": keys})) == allows


def test_pools_of_spot_machines_may_make_the_role_that_aws_wants_for_them() -> None:
    for service, allows in (("spot.amazonaws.com", True), ("eks.amazonaws.com", False)):
        asked = Request("iam:CreateServiceLinkedRole", SPOT_ROLE, context={"iam:AWSServiceName": service})
        assert allowed(asked, *OPEN) == allows


def test_the_document_fits_into_a_role() -> None:
    policy = declared(*OPEN).one("aws:iam/rolePolicy:RolePolicy", "autoscaling").properties["policy"]
    assert len("".join(policy.split())) <= 10240
