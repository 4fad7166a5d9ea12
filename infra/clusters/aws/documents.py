"""IAM policy documents as data. Pure: ARNs come in as text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

Statement = Mapping[str, Any]

KEY_ADMINISTRATION = (
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListAliases",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:RevokeGrant",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
)
KEY_USE = (
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)


def document(*statements: Statement) -> str:
    """The JSON of a policy. The same statements give the same text."""
    return json.dumps({"Version": "2012-10-17", "Statement": [dict(each) for each in statements]}, sort_keys=True)


def allow(
    sid: str, actions: Sequence[str], resources: str | Sequence[str], condition: Mapping[str, Any] | None = None
) -> Statement:
    """A statement that allows. `sid` has letters and digits only."""
    made: dict[str, Any] = {
        "Sid": sid,
        "Effect": "Allow",
        "Action": sorted(actions),
        "Resource": resources if isinstance(resources, str) else sorted(resources),
    }
    return made | ({"Condition": dict(condition)} if condition else {})


def trust(service: str, condition: Mapping[str, Any] | None = None, *, tag_session: bool = False) -> Statement:
    """Lets a service of AWS assume the role."""
    actions = ["sts:AssumeRole", *(["sts:TagSession"] if tag_session else [])]
    made: dict[str, Any] = {"Effect": "Allow", "Principal": {"Service": service}, "Action": actions}
    return made | ({"Condition": dict(condition)} if condition else {})


def trust_pod_identity(cluster_arn: str, account: str, namespace: str, service_account: str) -> Statement:
    """Lets EKS Pod Identity assume the role for exactly one service account of one cluster."""
    return trust(
        "pods.eks.amazonaws.com",
        {
            "ArnEquals": {"aws:SourceArn": cluster_arn},
            "StringEquals": {
                "aws:SourceAccount": account,
                "aws:RequestTag/kubernetes-namespace": namespace,
                "aws:RequestTag/kubernetes-service-account": service_account,
            },
        },
        tag_session=True,
    )


def trust_oidc(provider_arn: str, issuer: str, namespace: str, service_account: str) -> Statement:
    """Lets one service account's token assume the role. `issuer` is without https://."""
    return {
        "Effect": "Allow",
        "Principal": {"Federated": provider_arn},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {
                f"{issuer}:aud": "sts.amazonaws.com",
                f"{issuer}:sub": f"system:serviceaccount:{namespace}:{service_account}",
            }
        },
    }


def key_policy(root: str, *more: Statement) -> str:
    """A key's policy: the account's IAM decides who uses it, beside the statements given."""
    account = {
        "Sid": "Account",
        "Effect": "Allow",
        "Principal": {"AWS": root},
        "Action": sorted({*KEY_ADMINISTRATION, *KEY_USE, "kms:CreateGrant"}),
        "Resource": "*",
    }
    return document(account, *more)


def only_tls(bucket_arn: str) -> Statement:
    """Refuses everybody who comes in clear."""
    return {
        "Sid": "OnlyTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [bucket_arn, f"{bucket_arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def sent_by(service: str, source: str, queue_arn: str) -> Statement:
    """Lets a service put messages into a queue for one of our own things. `source`: its ARN."""
    return {
        "Sid": "Send",
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": source}},
    }


def only_tls_to_queue(queue_arn: str) -> Statement:
    """Refuses everybody who comes in clear."""
    return {
        "Sid": "OnlyTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:*",
        "Resource": queue_arn,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
