"""KMS keys: one for the cluster's secrets and logs, one for data."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from infra.clusters.aws.documents import KEY_USE, Statement, key_policy
from infra.clusters.aws.part import Part
from infra.clusters.aws.scope import Scope

_DAYS_TO_REGRET = 30


class Keys(Part):
    """They rotate every year. Deleting one takes 30 days, in which it can be had back."""

    def __init__(self, scope: Scope, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Keys", "keys", scope, opts)
        self.cluster = self._key("cluster", "Secrets of the cluster, and logs", _logs(scope))
        self.data = self._key("data", "Database, buckets, volumes, file systems and images")
        self.register_outputs({"cluster": self.cluster.arn, "data": self.data.arn})

    def _key(self, part: str, description: str, *more: Statement) -> aws.kms.Key:
        name = self.scope.name(part)
        key = aws.kms.Key(
            part,
            description=f"{description} ({self.scope.base})",
            policy=key_policy(self.scope.root, *more),
            enable_key_rotation=True,
            deletion_window_in_days=_DAYS_TO_REGRET,
            tags=self.scope.tags(f"{name}-key"),
            opts=self.own(data=True),
        )
        aws.kms.Alias(part, name=f"alias/{name}", target_key_id=key.key_id, opts=self.own())
        return key


def _logs(scope: Scope) -> Statement:
    """CloudWatch may use the key for the installation's log groups."""
    groups = (f"/aws/eks/{scope.base}/*", f"/aws/rds/instance/{scope.name('database')}/*", f"/mlp/{scope.base}/*")
    ours = [scope.arn("logs", f"log-group:{group}") for group in groups]
    return {
        "Sid": "Logs",
        "Effect": "Allow",
        "Principal": {"Service": f"logs.{scope.region}.{scope.dns_suffix}"},
        "Action": sorted(KEY_USE),
        "Resource": "*",
        "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": ours}},
    }
