"""What the platform's own roles may do, and who may be them."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterator
from typing import Any

import pytest

from infra.engine.declared import Declaration
from tests.unit.clusters.aws.declarations import ACCOUNT, OPEN, declared
from tests.unit.clusters.aws.declarations import BOUNDARY as COMPANY

CLUSTER = f"arn:aws:eks:eu-central-1:{ACCOUNT}:cluster/mlp-blue"


def statements(declaration: Declaration) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every statement of every policy for a role, with the policy's name."""
    for token in ("aws:iam/rolePolicy:RolePolicy", "aws:iam/policy:Policy"):
        for each in declaration.of(token):
            for statement in json.loads(each.properties["policy"])["Statement"]:
                yield each.name, statement


def actions(statement: dict[str, Any]) -> list[str]:
    found = statement["Action"]
    return [found] if isinstance(found, str) else found


def allowed(policy: str, action: str, resource: str, context: dict[str, str] | None = None) -> bool:
    """Whether the policy allows it: the little of IAM's meaning that our documents use."""
    for name, statement in statements(declared()):
        resources = statement["Resource"]
        resources = [resources] if isinstance(resources, str) else resources
        if name != policy or action not in actions(statement):
            continue
        if not any(fnmatch.fnmatchcase(resource, each) for each in resources):
            continue
        wanted = statement.get("Condition", {}).get("StringEquals", {})
        if all((context or {}).get(key) == value for key, value in wanted.items()):
            return True
    return False


@pytest.mark.parametrize("given", [(), OPEN], ids=["pod-identity", "irsa"])
def test_no_action_is_a_pattern_and_no_resource_without_reason(given: tuple[str, ...]) -> None:
    for name, statement in statements(declared(*given)):
        assert not any("*" in action for action in actions(statement)), name
        if statement["Resource"] == "*":
            assert (name, statement["Sid"]) in {("autoscaling", "Read"), ("autoscaling", "ReadElsewhere")}


def test_a_role_is_for_one_service_account_of_one_cluster() -> None:
    trust = json.loads(declared().one("aws:iam/role:Role", "tracking").properties["assumeRolePolicy"])
    assert trust["Statement"] == [
        {
            "Effect": "Allow",
            "Principal": {"Service": "pods.eks.amazonaws.com"},
            "Action": ["sts:AssumeRole", "sts:TagSession"],
            "Condition": {
                "ArnEquals": {"aws:SourceArn": CLUSTER},
                "StringEquals": {
                    "aws:SourceAccount": ACCOUNT,
                    "aws:RequestTag/kubernetes-namespace": "mlp-tracking",
                    "aws:RequestTag/kubernetes-service-account": "tracking",
                },
            },
        }
    ]
    bound = declared().one("aws:eks/podIdentityAssociation:PodIdentityAssociation", "control-plane").properties
    assert (bound["namespace"], bound["serviceAccount"]) == ("mlp-system", "control-plane")


def test_with_irsa_the_token_is_checked_in_full() -> None:
    found = declared(*OPEN)
    assert found.of("aws:eks/podIdentityAssociation:PodIdentityAssociation") == ()
    trust = json.loads(found.one("aws:iam/role:Role", "control-plane").properties["assumeRolePolicy"])
    (statement,) = trust["Statement"]
    issuer = found.exports["managed"]["cloud"]["oidc_issuer"]
    assert statement["Condition"] == {
        "StringEquals": {
            f"{issuer}:aud": "sts.amazonaws.com",
            f"{issuer}:sub": "system:serviceaccount:mlp-system:control-plane",
        }
    }
    addon = found.one("aws:eks/addon:Addon", "aws-ebs-csi-driver").properties
    assert addon["serviceAccountRoleArn"] == f"arn:aws:iam::{ACCOUNT}:role/mlp-blue-disks-role"
    assert "podIdentityAssociations" not in addon


BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/mlp-blue-workspaces"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/mlp/tenants/mlp-blue-ws-0123"
BUCKET = "arn:aws:s3:::mlp-blue-ws-0123"
ARTIFACTS = f"arn:aws:s3:::mlp-blue-{ACCOUNT}-artifacts"


@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        ("iam:CreateRole", ROLE, {"iam:PermissionsBoundary": BOUNDARY}),
        ("iam:PutRolePolicy", ROLE, {"iam:PermissionsBoundary": BOUNDARY}),
        ("iam:DeleteRole", ROLE, {}),
        ("iam:PassRole", ROLE, {"iam:PassedToService": "pods.eks.amazonaws.com"}),
        ("eks:CreatePodIdentityAssociation", CLUSTER, {}),
        ("s3:CreateBucket", BUCKET, {}),
        ("s3:DeleteObjectVersion", f"{BUCKET}/runs/1/model.pkl", {}),
    ],
)
def test_the_control_plane_makes_roles_and_buckets(action: str, resource: str, context: dict[str, str]) -> None:
    assert allowed("control-plane", action, resource, context)


@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        ("iam:CreateRole", ROLE, {}),
        ("iam:CreateRole", ROLE, {"iam:PermissionsBoundary": f"arn:aws:iam::{ACCOUNT}:policy/mine"}),
        ("iam:PutRolePolicy", ROLE, {}),
        ("iam:DeleteRolePermissionsBoundary", ROLE, {"iam:PermissionsBoundary": BOUNDARY}),
        ("iam:AttachRolePolicy", ROLE, {"iam:PermissionsBoundary": BOUNDARY}),
        ("iam:CreateRole", f"arn:aws:iam::{ACCOUNT}:role/mlp-blue-ws-0123", {"iam:PermissionsBoundary": BOUNDARY}),
        ("iam:DeleteRole", f"arn:aws:iam::{ACCOUNT}:role/mlp-blue-node-role", {}),
        ("iam:DeleteRole", f"arn:aws:iam::{ACCOUNT}:role/mlp/tenants/mlp-green-ws-0123", {}),
        ("iam:PassRole", ROLE, {"iam:PassedToService": "ec2.amazonaws.com"}),
        ("s3:DeleteBucket", ARTIFACTS, {}),
        ("s3:DeleteBucket", "arn:aws:s3:::mlp-green-ws-0123", {}),
        ("s3:GetObject", f"{BUCKET}/runs/1/model.pkl", {}),
        ("kms:Decrypt", "arn:aws:kms:eu-central-1:123456789012:key/any", {}),
        ("sts:AssumeRole", ROLE, {}),
    ],
)
def test_and_nothing_that_would_make_it_more(action: str, resource: str, context: dict[str, str]) -> None:
    assert not allowed("control-plane", action, resource, context)


@pytest.mark.parametrize(
    ("action", "resource", "allows"),
    [
        ("s3:PutObject", f"{ARTIFACTS}/team/run/model.pkl", True),
        ("s3:ListBucket", ARTIFACTS, True),
        ("s3:DeleteObject", f"{ARTIFACTS}/x", True),
        ("s3:DeleteObjectVersion", f"{ARTIFACTS}/x", False),
        ("s3:DeleteBucket", ARTIFACTS, False),
        ("s3:PutBucketPolicy", ARTIFACTS, False),
        ("s3:GetObject", f"{BUCKET}/x", False),
    ],
)
def test_the_tracking_server_has_its_bucket(action: str, resource: str, allows: bool) -> None:
    assert allowed("tracking", action, resource) == allows


@pytest.mark.parametrize(
    ("action", "resource", "allows"),
    [
        ("s3:GetObject", f"{BUCKET}/x", True),
        ("s3:GetObject", f"{ARTIFACTS}/x", False),
        ("s3:PutBucketPolicy", BUCKET, False),
        ("iam:CreateRole", ROLE, False),
        ("sts:AssumeRole", ROLE, False),
    ],
)
def test_the_boundary_of_workspaces_is_objects(action: str, resource: str, allows: bool) -> None:
    assert allowed("workspaces", action, resource) == allows


def test_a_boundary_of_the_profile_is_taken() -> None:
    found = declared(*OPEN)
    assert found.of("aws:iam/policy:Policy") == ()
    assert found.exports["managed"]["cloud"]["permissions_boundary"] == COMPANY
    policy = found.one("aws:iam/rolePolicy:RolePolicy", "control-plane").properties["policy"]
    assert json.loads(policy)["Statement"][0]["Condition"] == {"StringEquals": {"iam:PermissionsBoundary": COMPANY}}
