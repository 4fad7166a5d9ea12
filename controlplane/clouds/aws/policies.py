"""Policy documents of one workspace on AWS. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from components.facts import Aws
from components.storage.clouds import ROLE_PATH
from components.storage.policy import USE_BUCKET, USE_OBJECTS
from controlplane.clouds.names import ACCOUNT, subject
from controlplane.reconcile.model import WorkspaceSpec

AUDIENCE = "sts.amazonaws.com"
Document = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """One workspace's bucket and role, by their names on AWS."""

    aws: Aws
    name: str
    """Of the bucket and of the role."""

    @property
    def bucket_arn(self) -> str:
        return f"arn:{self.aws.partition}:s3:::{self.name}"

    @property
    def role_arn(self) -> str:
        return f"{self.tenants_arn}{self.name}"

    @property
    def tenants_arn(self) -> str:
        """What the ARN of every workspace's role begins with."""
        return f"arn:{self.aws.partition}:iam::{self.aws.account}:role{ROLE_PATH}"

    @property
    def cluster_arn(self) -> str:
        return f"arn:{self.aws.partition}:eks:{self.aws.region}:{self.aws.account}:cluster/{self.aws.cluster}"

    @property
    def dns_suffix(self) -> str:
        return "amazonaws.com.cn" if self.aws.partition == "aws-cn" else "amazonaws.com"


def permissions(place: Place) -> Document:
    """What the role may do: objects of its own bucket, and the key for exactly those. No `sts`, no `iam`.

    The account is part of the condition: should the bucket go and its name come up in another account, nothing flows
    there.
    """
    mine = {"StringEquals": {"aws:ResourceAccount": place.aws.account}}
    return _document(
        {
            "Sid": "Bucket",
            "Effect": "Allow",
            "Action": list(USE_BUCKET),
            "Resource": place.bucket_arn,
            "Condition": mine,
        },
        {
            "Sid": "Objects",
            "Effect": "Allow",
            "Action": list(USE_OBJECTS),
            "Resource": f"{place.bucket_arn}/*",
            "Condition": mine,
        },
        {
            "Sid": "Key",
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": place.aws.key,
            "Condition": {
                "StringEquals": {"kms:ViaService": f"s3.{place.aws.region}.{place.dns_suffix}"},
                # With the bucket's key the context is the bucket, without it the object.
                "StringLike": {"kms:EncryptionContext:aws:s3:arn": [place.bucket_arn, f"{place.bucket_arn}/*"]},
            },
        },
    )


def trust(place: Place, spec: WorkspaceSpec) -> Document:
    """Exactly one service account of exactly one cluster may become the role."""
    aws = place.aws
    if aws.identity == "pod-identity":
        return _document(
            {
                "Sid": "PodIdentity",
                "Effect": "Allow",
                "Principal": {"Service": "pods.eks.amazonaws.com"},
                "Action": ["sts:AssumeRole", "sts:TagSession"],
                "Condition": {
                    "StringEquals": {
                        "aws:SourceAccount": aws.account,
                        "aws:RequestTag/kubernetes-namespace": spec.namespace,
                        "aws:RequestTag/kubernetes-service-account": ACCOUNT,
                    },
                    "ArnEquals": {"aws:SourceArn": place.cluster_arn},
                },
            }
        )
    provider = f"arn:{aws.partition}:iam::{aws.account}:oidc-provider/{aws.oidc_issuer}"
    return _document(
        {
            "Sid": "ServiceAccount",
            "Effect": "Allow",
            "Principal": {"Federated": provider},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {f"{aws.oidc_issuer}:sub": subject(spec), f"{aws.oidc_issuer}:aud": AUDIENCE}
            },
        }
    )


def bucket_policy(place: Place, *, suspended: bool) -> Document:
    """What nobody may do with the bucket, whatever his own policy allows. Suspended: not its own role either."""
    everything = [place.bucket_arn, f"{place.bucket_arn}/*"]
    workspaces: Document = {"ArnLike": {"aws:PrincipalArn": f"{place.tenants_arn}*"}}
    if not suspended:
        workspaces["ArnNotEquals"] = {"aws:PrincipalArn": place.role_arn}
    return _document(
        _deny("OnlyTls", everything, {"Bool": {"aws:SecureTransport": "false"}}),
        _deny("OnlyNewTls", everything, {"NumericLessThan": {"s3:TlsVersion": "1.2"}}),
        _deny("NoOtherWorkspace", everything, workspaces),
        _deny(
            "NoOtherAccount",
            everything,
            {
                "StringNotEquals": {"aws:PrincipalAccount": place.aws.account},
                "Bool": {"aws:PrincipalIsAWSService": "false"},
            },
        ),
    )


def _deny(sid: str, resources: list[str], condition: Document) -> Document:
    return {
        "Sid": sid,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": resources,
        "Condition": condition,
    }


def _document(*statements: Document) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}
