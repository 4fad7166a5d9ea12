"""The installer's policies: complete, without patterns in actions, bound to what is the installation's."""

from __future__ import annotations

import json
from typing import Any

import botocore.session
import pytest

from infra.clusters.aws.address import program as address_program
from infra.clusters.aws.grants import EVERYWHERE, TYPES
from infra.clusters.aws.offline import answers
from infra.clusters.aws.rights import FILES, MAX_CHARACTERS, actions, policy
from infra.engine.declared import Declaration, Declared, declare
from tests.unit.clusters.aws.declarations import ACCOUNT, OPEN, declared, profile


def statements(*given: str) -> list[dict[str, Any]]:
    texts = policy(declared(*given), profile(*given)).values()
    return [statement for text in texts for statement in json.loads(text)["Statement"]]


def allowing(action: str) -> list[dict[str, Any]]:
    return [statement for statement in statements() if action in statement["Action"]]


@pytest.mark.parametrize("given", [(), OPEN], ids=["private", "open"])
def test_policies_fit_and_name_every_action(given: tuple[str, ...]) -> None:
    files = policy(declared(*given), profile(*given))
    assert set(files) == {f"aws-{part}.json" for part in FILES}
    for name, text in files.items():
        assert len("".join(text.split())) <= MAX_CHARACTERS, name
    for statement in statements(*given):
        assert not any("*" in action for action in statement["Action"])


def test_every_grant_of_every_declared_type_is_in_some_file() -> None:
    there = {action for statement in statements() for action in statement["Action"]}
    kinds = {each.kind for each in declared().resources if each.custom and not each.kind.startswith("pulumi:")}
    wanted = {action for kind in kinds for grant in TYPES[kind] for action in grant.actions}
    wanted |= {action for grant in EVERYWHERE for action in grant.actions}
    assert there == wanted | {"iam:CreateServiceLinkedRole"}
    assert {action for action, _ in actions(declared(), profile())} == wanted


def test_the_address_needs_nothing_more() -> None:
    chosen = profile()
    made = declare(address_program(chosen, "abc.elb.amazonaws.com"), answers(chosen))
    assert {each.kind for each in made.resources if each.custom and not each.kind.startswith("pulumi:")} <= {
        each.kind for each in declared().resources
    }


def test_a_type_without_rights_is_named() -> None:
    strange = Declared("urn", "aws:sqs/queue:Queue", "q", {}, "")
    with pytest.raises(LookupError, match="aws:sqs/queue:Queue"):
        policy(Declaration((strange,)), profile())


def test_what_names_no_resource_only_reads_or_is_what_aws_leaves_open() -> None:
    open_actions = {
        action
        for statement in statements()
        if statement["Resource"] == "*" and "Condition" not in statement
        for action in statement["Action"]
    }
    verbs = ("Describe", "Get", "List")
    assert {action for action in open_actions if not action.partition(":")[2].startswith(verbs)} == {
        "logs:CreateLogDelivery",
        "logs:DeleteLogDelivery",
        "route53:CreateHostedZone",
    }


def test_only_our_things_are_removed() -> None:
    for action in ("ec2:DeleteVpc", "ec2:DeleteSubnet", "kms:ScheduleKeyDeletion", "acm:DeleteCertificate"):
        (statement,) = allowing(action)
        assert statement["Condition"] == {"StringEquals": {"aws:ResourceTag/mlp:installation": "blue"}}
    (bucket,) = allowing("s3:DeleteBucket")
    assert bucket["Resource"] == f"arn:aws:s3:::mlp-blue-{ACCOUNT}-*"
    (database,) = allowing("rds:DeleteDBInstance")
    assert database["Resource"] == f"arn:aws:rds:eu-central-1:{ACCOUNT}:db:mlp-blue-database"
    (cluster,) = allowing("eks:DeleteCluster")
    assert cluster["Resource"] == f"arn:aws:eks:eu-central-1:{ACCOUNT}:cluster/mlp-blue"


def test_roles_get_only_what_the_program_attaches() -> None:
    (attach,) = allowing("iam:AttachRolePolicy")
    assert attach["Resource"] == f"arn:aws:iam::{ACCOUNT}:role/mlp-blue-*-role"
    names = {arn.rpartition("/")[2] for arn in attach["Condition"]["ArnEquals"]["iam:PolicyARN"]}
    assert names == {
        "AmazonEBSCSIDriverPolicy",
        "AmazonEC2ContainerRegistryPullOnly",
        "AmazonEFSCSIDriverPolicy",
        "AmazonEKSClusterPolicy",
        "AmazonEKSWorkerNodePolicy",
        "AmazonEKS_CNI_Policy",
    }
    (given,) = allowing("iam:PassRole")
    assert "iam:PassedToService" in given["Condition"]["StringEquals"]


def test_dns_is_changed_in_the_domain_only() -> None:
    (change,) = allowing("route53:ChangeResourceRecordSets")
    assert change["Condition"]["ForAllValues:StringLike"] == {
        "route53:ChangeResourceRecordSetsNormalizedRecordNames": ["ml.example.com", "*.ml.example.com"]
    }


def test_actions_are_calls_that_the_sdk_knows() -> None:
    """IAM's names are those of the calls, but for those listed: rights that no call is named after."""
    session = botocore.session.get_session()
    clients = {"ecr", "eks", "ec2", "rds", "iam", "kms", "logs", "acm", "efs", "secretsmanager", "pricing"}
    names = {"elasticfilesystem": "efs"}
    known = {name: set(session.get_service_model(name).operation_names) for name in clients}
    without_call = {
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo",
        "logs:CreateLogDelivery",
        "logs:DeleteLogDelivery",
        "iam:PassRole",
    }
    for action, _ in actions(declared(), profile()):
        service, _, call = action.partition(":")
        service = names.get(service, service)
        if service in clients and action not in without_call:
            assert call in known[service], action
