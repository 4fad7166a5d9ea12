"""The installer's policies: complete, without patterns in actions, bound to what is the installation's."""

from __future__ import annotations

import fnmatch
import json
from typing import Any

import botocore.session
import pytest

from infra.clusters.aws.grants import EVERYWHERE, TYPES
from infra.clusters.aws.rights import FILES, MAX_CHARACTERS, Question, policy, questions
from infra.clusters.aws.scope import Scope
from infra.engine.declared import Declaration, Declared
from tests.unit.clusters.aws.declarations import ACCOUNT, OPEN, declared, declared_address, profile

ASKED = questions(Scope("blue", ACCOUNT, "eu-central-1", (), True), "ml.example.com")


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


def test_the_address_needs_nothing_more() -> None:
    assert {
        each.kind for each in declared_address().resources if each.custom and not each.kind.startswith("pulumi:")
    } <= {each.kind for each in declared().resources}


def test_a_type_without_rights_is_named() -> None:
    strange = Declared("urn", "aws:sns/topic:Topic", "q", {}, "")
    with pytest.raises(LookupError, match="aws:sns/topic:Topic"):
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
    clients = {
        "ecr",
        "eks",
        "ec2",
        "rds",
        "iam",
        "kms",
        "logs",
        "acm",
        "efs",
        "secretsmanager",
        "pricing",
        "sqs",
        "events",
    }
    names = {"elasticfilesystem": "efs"}
    known = {name: set(session.get_service_model(name).operation_names) for name in clients}
    without_call = {
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo",
        "logs:CreateLogDelivery",
        "logs:DeleteLogDelivery",
        "iam:PassRole",
    }
    for action in sorted({action for question in ASKED for action in question.actions}):
        service, _, call = action.partition(":")
        service = names.get(service, service)
        if service in clients and action not in without_call:
            assert call in known[service], action


def test_whoever_has_the_policies_is_allowed_all_that_preflight_asks() -> None:
    """Each question meets the resource and the conditions of a statement that allows its actions."""
    granted = [*statements(), *statements(*OPEN)]
    for question in ASKED:
        for action in question.actions:
            assert any(_allows(statement, action, question) for statement in granted), (action, question)


def _allows(statement: dict[str, Any], action: str, question: Question) -> bool:
    resources = statement["Resource"]
    resources = [resources] if isinstance(resources, str) else resources
    if action not in statement["Action"] or not any(fnmatch.fnmatchcase(question.resource, each) for each in resources):
        return False
    return all(
        any(fnmatch.fnmatchcase(value, each) for value in question.context.get(key, ()) for each in wanted)
        for keys in statement.get("Condition", {}).values()
        for key, wanted in ((key, [found] if isinstance(found, str) else found) for key, found in keys.items())
    )
