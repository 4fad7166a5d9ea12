"""What the clusters' programs grant to the control plane is what it calls, and no more than its own things."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from components.storage.clouds import ROLE_PATH, workspace_prefix
from components.storage.policy import USE_BUCKET, USE_OBJECTS
from components.storage.rights import AWS_RIGHTS, AZURE_ACTIONS, GCP_PERMISSIONS
from controlplane.clouds.aws.policies import Place, bucket_policy
from controlplane.clouds.aws.policies import permissions as of_workspace
from controlplane.clouds.names import cloud_name
from infra.clusters.aws import permissions
from infra.clusters.aws.scope import Scope
from tests.identity_support.iam import Request, permitted
from tests.unit.controlplane.clouds.samples import AWS, MINE, THEIRS

pytestmark = pytest.mark.contract
SCOPE = Scope("prod", AWS.account, AWS.region, (), protected=True)
BOUNDARY = f"arn:aws:iam::{AWS.account}:policy/mlp-prod-workspaces"
GRANTED = {"Statement": permissions.control_plane(SCOPE, BOUNDARY, binds=True)}
BOUND = {"Statement": permissions.workspaces(SCOPE, AWS.key)}
NAME = cloud_name("prod", AWS.account, MINE)
PLACE = Place(AWS, NAME)
CONTEXT = {
    "iam:PermissionsBoundary": BOUNDARY,
    "iam:PassedToService": "pods.eks.amazonaws.com",
    "aws:ResourceAccount": AWS.account,
    "aws:PrincipalArn": f"arn:aws:iam::{AWS.account}:role/mlp-prod-control-plane",
    "aws:PrincipalAccount": AWS.account,
    "aws:PrincipalIsAWSService": "false",
    "aws:SecureTransport": "true",
    "s3:TlsVersion": "1.3",
}
_OF_OBJECTS = ("s3:AbortMultipartUpload", "s3:DeleteObject", "s3:DeleteObjectVersion")
_OF_CLUSTER = ("eks:CreatePodIdentityAssociation", "eks:ListPodIdentityAssociations")


def resource(action: str, name: str = NAME) -> str:
    """What AWS asks about for this action."""
    service = action.partition(":")[0]
    if service == "iam":
        return f"arn:aws:iam::{AWS.account}:role{ROLE_PATH}{name}"
    if service == "eks":
        return PLACE.cluster_arn if action in _OF_CLUSTER else SCOPE.arn("eks", "podidentityassociation/mlp-prod/a-1")
    return f"arn:aws:s3:::{name}/x" if action in _OF_OBJECTS else f"arn:aws:s3:::{name}"


def may(action: str, name: str = NAME, context: Mapping[str, str] = CONTEXT) -> bool:
    """By its own policy and by that of a workspace's bucket."""
    if not action.startswith("s3:"):
        return permitted(Request(action, resource(action, name), "", context), [GRANTED])
    policies = [bucket_policy(PLACE, suspended=suspended) for suspended in (False, True)]
    return permitted(Request(action, resource(action, name), "", context), [GRANTED], policies)


ACTIONS = sorted({action for actions in AWS_RIGHTS.values() for action in actions})


@pytest.mark.parametrize("action", ACTIONS)
def test_the_control_plane_on_aws_may_do_what_it_does(action: str) -> None:
    assert may(action)


@pytest.mark.parametrize("action", [a for a in ACTIONS if not a.startswith("eks:")])
@pytest.mark.parametrize("name", ["mlp-dev-ws-0", "mlp-prod-artifacts", "mlp-prod-tracking", "mlp-prod2-ws-0", "x"])
def test_it_may_do_nothing_with_what_is_not_a_workspaces(action: str, name: str) -> None:
    assert not may(action, name)


@pytest.mark.parametrize("action", ["s3:GetObject", "s3:PutObject", "sts:AssumeRole", "iam:AttachRolePolicy"])
def test_it_reads_no_data_and_becomes_no_workspace(action: str) -> None:
    assert not may(action)
    assert not permitted(Request(action, f"{PLACE.bucket_arn}/x", "", CONTEXT), [GRANTED])


@pytest.mark.parametrize("action", ["iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"])
def test_roles_are_made_inside_the_boundary_only(action: str) -> None:
    other = {**CONTEXT, "iam:PermissionsBoundary": "arn:aws:iam::aws:policy/AdministratorAccess"}
    assert not may(action, context=other)
    assert not may(action, context={key: value for key, value in CONTEXT.items() if key != "iam:PermissionsBoundary"})


@pytest.mark.parametrize("action", sorted({*USE_BUCKET, *USE_OBJECTS}))
def test_the_boundary_lets_a_workspace_use_its_bucket(action: str) -> None:
    at = PLACE.bucket_arn if action in USE_BUCKET else f"{PLACE.bucket_arn}/x"
    mine = {**CONTEXT, "aws:PrincipalArn": PLACE.role_arn}
    policy = [bucket_policy(PLACE, suspended=False)]
    assert permitted(Request(action, at, PLACE.role_arn, mine), [of_workspace(PLACE)], policy, BOUND)
    other = Place(AWS, cloud_name("prod", AWS.account, THEIRS))
    theirs = {**CONTEXT, "aws:PrincipalArn": other.role_arn}
    assert not permitted(Request(action, at, other.role_arn, theirs), [of_workspace(other)], policy, BOUND)


@pytest.mark.parametrize(
    ("action", "wanted"), [("kms:Decrypt", True), ("kms:GenerateDataKey", True), ("kms:CreateGrant", False)]
)
def test_the_boundary_lets_a_workspace_use_the_key_of_its_bucket(action: str, wanted: bool) -> None:
    context = {"kms:ViaService": "s3.eu-central-1.amazonaws.com", "kms:EncryptionContext:aws:s3:arn": PLACE.bucket_arn}
    request = Request(action, AWS.key, PLACE.role_arn, context)
    assert permitted(request, [of_workspace(PLACE)], [], BOUND) is wanted


def test_a_role_beyond_its_boundary_is_worth_nothing() -> None:
    everything = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    for action, at in (
        ("s3:GetObject", f"arn:aws:s3:::mlp-prod-{AWS.account}-artifacts/x"),
        ("s3:GetObject", f"arn:aws:s3:::{workspace_prefix('dev')}0/x"),
        ("sts:AssumeRole", f"arn:aws:iam::{AWS.account}:role/mlp-prod-control-plane"),
        ("iam:PassRole", PLACE.role_arn),
        ("s3:PutBucketPolicy", PLACE.bucket_arn),
    ):
        assert not permitted(Request(action, at, PLACE.role_arn, CONTEXT), [everything], [], BOUND)


def test_the_control_plane_on_gcp_is_given_what_it_uses() -> None:
    from infra.clusters.gcp.identity import KEEP_BUCKETS, MAKE_BUCKETS

    assert sorted((*MAKE_BUCKETS, *KEEP_BUCKETS)) == sorted(GCP_PERMISSIONS)


def test_the_control_plane_on_azure_is_given_what_it_uses() -> None:
    from infra.clusters.azure.identity import WORKSPACE_ACTIONS

    assert set(AZURE_ACTIONS) <= set(WORKSPACE_ACTIONS)
    assert not [action for action in WORKSPACE_ACTIONS if "/blobs/" in action or "listKeys" in action]
