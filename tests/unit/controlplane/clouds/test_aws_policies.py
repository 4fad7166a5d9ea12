"""What the policies of a workspace on AWS mean, by cases that must be allowed and cases that must not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from components.facts import Aws
from controlplane.clouds.aws.policies import Place, bucket_policy, permissions, trust
from controlplane.clouds.names import cloud_name
from tests.identity_support.iam import Request, assumable, permitted
from tests.unit.controlplane.clouds.samples import AWS, IRSA, MINE, THEIRS

A = Place(AWS, cloud_name("prod", AWS.account, MINE))
B = Place(AWS, cloud_name("prod", AWS.account, THEIRS))
TLS = {
    "aws:SecureTransport": "true",
    "s3:TlsVersion": "1.3",
    "aws:PrincipalAccount": AWS.account,
    "aws:PrincipalIsAWSService": "false",
    "aws:ResourceAccount": AWS.account,
}
ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def s3(who: Place, action: str, resource: str, **changes: str) -> Request:
    context = {**TLS, "aws:PrincipalArn": who.role_arn, **{key.replace("__", ":"): v for key, v in changes.items()}}
    return Request(action, resource, who.role_arn, context)


def allowed(who: Place, request: Request, at: Place = A, *, identity: Any = None, suspended: bool = False) -> bool:
    policies = [permissions(who) if identity is None else identity]
    return permitted(request, policies, [bucket_policy(at, suspended=suspended)])


@pytest.mark.parametrize(
    ("action", "key"),
    [
        ("s3:ListBucket", ""),
        ("s3:GetBucketLocation", ""),
        ("s3:GetObject", "/runs/1/model.bin"),
        ("s3:PutObject", "/runs/1/model.bin"),
        ("s3:DeleteObject", "/runs/1/model.bin"),
        ("s3:AbortMultipartUpload", "/big"),
        ("s3:GetObject", "/../odd/key"),
    ],
)
def test_a_workspace_uses_its_own_bucket(action: str, key: str) -> None:
    assert allowed(A, s3(A, action, A.bucket_arn + key))


@pytest.mark.parametrize(
    "action", ["s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:GetObjectVersion"]
)
@pytest.mark.parametrize(
    "key", ["", "/secret", "/../secret", f"/../{B.name}/x", "/%2e%2e/secret", f"-evil/{A.name}", "*", "/*"]
)
def test_another_workspace_gets_nothing_of_it(action: str, key: str) -> None:
    resource = A.bucket_arn + key
    assert not allowed(B, s3(B, action, resource))
    assert allowed(A, s3(A, action, A.bucket_arn if action == "s3:ListBucket" else A.bucket_arn + "/secret"))


@pytest.mark.parametrize("name", [A.name[:-1], A.name + "-evil", A.name + "0", A.name.upper(), "x" + A.name, "tenants"])
def test_buckets_that_are_called_alike_are_not_the_own_one(name: str) -> None:
    for action, key in (("s3:ListBucket", ""), ("s3:GetObject", "/x"), ("s3:PutObject", f"/{A.name}/x")):
        assert not permitted(s3(A, action, f"arn:aws:s3:::{name}{key}"), [permissions(A)])


@pytest.mark.parametrize(
    "action",
    [
        "s3:CreateBucket", "s3:DeleteBucket", "s3:DeleteBucketPolicy", "s3:GetBucketPolicy", "s3:ListAllMyBuckets",
        "s3:PutBucketAcl", "s3:PutBucketPolicy", "s3:PutBucketTagging", "s3:PutBucketVersioning",
        "s3:PutEncryptionConfiguration", "s3:PutLifecycleConfiguration", "s3:PutBucketPublicAccessBlock",
        "s3:PutObjectAcl", "s3:PutReplicationConfiguration", "s3:BypassGovernanceRetention",
    ],
)  # fmt: skip
def test_a_workspace_cannot_change_what_its_bucket_is(action: str) -> None:
    for resource in (A.bucket_arn, f"{A.bucket_arn}/x", "*"):
        assert not allowed(A, s3(A, action, resource))


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("sts:AssumeRole", B.role_arn),
        ("sts:AssumeRole", A.role_arn),
        ("sts:AssumeRole", "arn:aws:iam::111122223333:role/mlp-prod-control-plane"),
        ("sts:TagSession", B.role_arn),
        ("sts:GetFederationToken", "*"),
        ("iam:TagRole", A.role_arn),
        ("iam:UntagRole", A.role_arn),
        ("iam:PutRolePolicy", A.role_arn),
        ("iam:UpdateAssumeRolePolicy", B.role_arn),
        ("iam:DeleteRolePermissionsBoundary", A.role_arn),
        ("iam:CreateAccessKey", "*"),
        ("eks:CreatePodIdentityAssociation", A.cluster_arn),
        ("kms:CreateGrant", AWS.key),
        ("kms:PutKeyPolicy", AWS.key),
    ],
)
def test_a_workspace_cannot_become_or_make_somebody_else(action: str, resource: str) -> None:
    assert not permitted(s3(A, action, resource), [permissions(A)])


def key_use(bucket: str, **changes: str) -> Request:
    context = {
        **TLS,
        "kms:ViaService": "s3.eu-central-1.amazonaws.com",
        "kms:EncryptionContext:aws:s3:arn": bucket,
        **{key.replace("__", ":"): value for key, value in changes.items()},
    }
    return Request("kms:Decrypt", AWS.key, A.role_arn, context)


def test_the_key_opens_the_own_bucket_only() -> None:
    for context in (A.bucket_arn, f"{A.bucket_arn}/runs/1"):
        assert permitted(key_use(context), [permissions(A)])
    for context in (B.bucket_arn, f"{B.bucket_arn}/x", f"{A.bucket_arn}-evil/x", f"{A.bucket_arn}0"):
        assert not permitted(key_use(context), [permissions(A)])
    assert not permitted(key_use(A.bucket_arn, kms__ViaService="s3.us-east-1.amazonaws.com"), [permissions(A)])
    direct = Request("kms:Decrypt", AWS.key, A.role_arn, TLS)
    assert not permitted(direct, [permissions(A)]), "never with the key itself"


def test_nothing_goes_in_clear_or_by_old_tls() -> None:
    own = f"{A.bucket_arn}/x"
    assert not allowed(A, s3(A, "s3:GetObject", own, aws__SecureTransport="false"))
    assert not allowed(A, s3(A, "s3:GetObject", own, s3__TlsVersion="1.1"))
    assert allowed(A, s3(A, "s3:GetObject", own, s3__TlsVersion="1.2"))


def test_the_bucket_refuses_other_workspaces_whatever_they_were_given() -> None:
    own = f"{A.bucket_arn}/x"
    assert not allowed(B, s3(B, "s3:GetObject", own), identity=ALL)
    assert not allowed(B, s3(B, "s3:PutBucketPolicy", A.bucket_arn), identity=ALL)
    operator = Request(
        "s3:GetBucketPolicy", A.bucket_arn, "", {**TLS, "aws:PrincipalArn": "arn:aws:iam::111122223333:role/admin"}
    )
    assert permitted(operator, [ALL], [bucket_policy(A, suspended=False)]), "the account's own administrators may look"


def test_other_accounts_are_refused_even_where_a_policy_would_let_them_in() -> None:
    stranger = {**TLS, "aws:PrincipalArn": "arn:aws:iam::999900001111:role/x", "aws:PrincipalAccount": "999900001111"}
    request = Request("s3:GetObject", f"{A.bucket_arn}/x", "", stranger)
    assert not permitted(request, [ALL], [bucket_policy(A, suspended=False)])


def test_a_bucket_of_that_name_in_another_account_gets_nothing() -> None:
    assert not permitted(
        s3(A, "s3:PutObject", f"{A.bucket_arn}/x", aws__ResourceAccount="999900001111"), [permissions(A)]
    )


def test_a_suspended_workspace_is_refused_by_the_bucket_itself() -> None:
    request = s3(A, "s3:GetObject", f"{A.bucket_arn}/x")
    assert allowed(A, request)
    assert not allowed(A, request, suspended=True)
    assert not allowed(A, request, identity=ALL, suspended=True)


def test_changing_tags_of_the_session_gives_nothing() -> None:
    """Permissions ask for no tag of the principal, so that no tag can be forged."""
    for tag, value in (("kubernetes-namespace", MINE.namespace), ("mlp:workspace-uid", MINE.uid)):
        request = s3(B, "s3:GetObject", f"{A.bucket_arn}/x", **{f"aws:PrincipalTag/{tag}": value})
        assert not allowed(B, request)


def pods(spec_namespace: str = MINE.namespace, account: str = "workload", **changes: str) -> Request:
    context = {
        "aws:SourceAccount": AWS.account,
        "aws:SourceArn": "arn:aws:eks:eu-central-1:111122223333:cluster/mlp-prod",
        "aws:RequestTag/kubernetes-namespace": spec_namespace,
        "aws:RequestTag/kubernetes-service-account": account,
    }
    context.update({key.replace("__", ":"): value for key, value in changes.items()})
    return Request("sts:AssumeRole", "", "pods.eks.amazonaws.com", context)


def test_pod_identity_lets_one_service_account_in() -> None:
    mine = trust(A, MINE)
    assert assumable(mine, pods())
    tagged = pods()
    assert assumable(mine, Request("sts:TagSession", "", tagged.principal, tagged.context))


@pytest.mark.parametrize(
    "request_",
    [
        pods(THEIRS.namespace),
        pods("ws-acme--"),
        pods("*"),
        pods(account="default"),
        pods(account="workload2"),
        pods(aws__SourceAccount="999900001111"),
        pods(aws__SourceArn="arn:aws:eks:eu-central-1:111122223333:cluster/mlp-prod2"),
        pods(aws__SourceArn="arn:aws:eks:us-east-1:111122223333:cluster/mlp-prod"),
        Request("sts:AssumeRole", "", "pods.eks.amazonaws.com", {}),
        Request("sts:AssumeRole", "", "ec2.amazonaws.com", pods().context),
        Request("sts:AssumeRole", "", B.role_arn, pods().context),
        Request("sts:AssumeRole", "", "arn:aws:iam::111122223333:root", pods().context),
        Request("sts:AssumeRoleWithWebIdentity", "", "pods.eks.amazonaws.com", pods().context),
    ],
)
def test_pod_identity_lets_nobody_else_in(request_: Request) -> None:
    assert not assumable(trust(A, MINE), request_)


PROVIDER = f"arn:aws:iam::111122223333:oidc-provider/{IRSA.oidc_issuer}"


def token(subject: str = f"system:serviceaccount:{MINE.namespace}:workload", audience: str = "sts.amazonaws.com",
          provider: str = PROVIDER, issuer: str = IRSA.oidc_issuer) -> Request:  # fmt: skip
    context = {f"{issuer}:sub": subject, f"{issuer}:aud": audience}
    return Request("sts:AssumeRoleWithWebIdentity", "", provider, context)


@pytest.mark.parametrize(
    ("request_", "wanted"),
    [
        (token(), True),
        (token(f"system:serviceaccount:{THEIRS.namespace}:workload"), False),
        (token(f"system:serviceaccount:{MINE.namespace}:default"), False),
        (token(f"system:serviceaccount:{MINE.namespace}:workload-2"), False),
        (token("system:serviceaccount:*:workload"), False),
        (token(audience="mlp"), False),
        (token(audience="https://kubernetes.default.svc"), False),
        (token(issuer="oidc.eks.eu-central-1.amazonaws.com/id/OTHER"), False),
        (token(provider=PROVIDER.replace("ABCDEF", "OTHER")), False),
        (Request("sts:AssumeRole", "", PROVIDER, token().context), False),
    ],
)
def test_irsa_asks_for_issuer_subject_and_audience(request_: Request, wanted: bool) -> None:
    assert assumable(trust(Place(IRSA, A.name), MINE), request_) is wanted


def _wildcards(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [found for part in value.values() for found in _wildcards(part)]
    if isinstance(value, list | tuple):
        return [found for part in value for found in _wildcards(part)]
    return [value] if isinstance(value, str) and "*" in value else []


@pytest.mark.parametrize("aws", [AWS, IRSA])
def test_what_is_allowed_is_written_out(aws: Aws) -> None:
    place = Place(aws, A.name)
    assert _wildcards(trust(place, MINE)) == []
    assert _wildcards(permissions(place)) == [f"{A.bucket_arn}/*", f"{A.bucket_arn}/*"], "objects of the own bucket"


def test_names_follow_the_partition() -> None:
    china = Place(AWS.model_copy(update={"partition": "aws-cn", "region": "cn-north-1"}), A.name)
    assert china.bucket_arn.startswith("arn:aws-cn:s3:::")
    condition = permissions(china)["Statement"][2]["Condition"]
    assert condition["StringEquals"]["kms:ViaService"] == "s3.cn-north-1.amazonaws.com.cn"


@pytest.mark.parametrize("policy", [permissions(A), trust(A, MINE), bucket_policy(A, suspended=False)])
def test_policies_fit_into_what_aws_takes(policy: dict[str, Any]) -> None:
    import json

    assert len(json.dumps(policy, separators=(",", ":"))) < 2048, "characters that a trust policy may have"
