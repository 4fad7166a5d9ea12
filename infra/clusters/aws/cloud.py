"""The provider of every AWS program: this account, this region, whatever the environment says."""

from __future__ import annotations

import pulumi_aws as aws

from infra.clusters.aws.scope import Scope


def provider(scope: Scope) -> aws.Provider:
    """Credentials come from where AWS's own tools look; those of another account are refused."""
    return aws.Provider("aws", region=scope.region, allowed_account_ids=[scope.account])
