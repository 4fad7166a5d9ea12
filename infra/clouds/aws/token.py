"""`python -m infra.clouds.aws.token --cluster=NAME --region=REGION`: a token for an EKS cluster, as kubectl wants it.

The token is a signed question to STS who we are, bound to the cluster's name: the API server asks it and learns our
IAM identity. Credentials come from where AWS's own tools look (environment, ~/.aws, SSO, the machine's role).
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

_PREFIX = "k8s-aws-v1."
_HEADER = "x-k8s-aws-id"
_SIGNED_SECONDS = 60
_VALID = timedelta(minutes=14)
"""EKS takes the signature for 15 minutes after it was made, whatever it says itself."""


def token(session: Any, cluster: str, region: str) -> str:
    """A bearer token. `session`: boto3's. Raises botocore's errors where there are no credentials."""
    from botocore.signers import RequestSigner

    client = session.client("sts", region_name=region, endpoint_url=_endpoint(session, region))
    signer = RequestSigner(
        client.meta.service_model.service_id, region, "sts", "v4", session.get_credentials(), session.events
    )
    request = {
        "method": "GET",
        "url": f"{client.meta.endpoint_url}/?Action=GetCallerIdentity&Version=2011-06-15",
        "body": {},
        "headers": {_HEADER: cluster},
        "context": {},
    }
    signed = signer.generate_presigned_url(request, region_name=region, expires_in=_SIGNED_SECONDS, operation_name="")
    return _PREFIX + base64.urlsafe_b64encode(signed.encode()).decode().rstrip("=")


def _endpoint(session: Any, region: str) -> str:
    """STS of the region: the cluster asks nobody else."""
    partition = session.get_partition_for_region(region)
    return f"https://sts.{region}.amazonaws.com{'.cn' if partition == 'aws-cn' else ''}"


def credential(text: str, now: datetime) -> dict[str, Any]:
    """The document that kubectl reads."""
    return {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": text, "expirationTimestamp": (now + _VALID).strftime("%Y-%m-%dT%H:%M:%SZ")},
    }


def main(arguments: list[str] | None = None) -> int:
    """0, or 1 with one sentence on standard error."""
    parser = argparse.ArgumentParser(prog="python -m infra.clouds.aws.token")
    parser.add_argument("--cluster", required=True)
    parser.add_argument("--region", required=True)
    given = parser.parse_args(arguments)
    try:
        import boto3
    except ModuleNotFoundError:
        from infra.clouds.model import SdkMissing

        return _failed(str(SdkMissing("aws", "boto3")))
    from botocore.exceptions import BotoCoreError, NoCredentialsError

    try:
        session = boto3.Session()
        if session.get_credentials() is None:
            raise NoCredentialsError
        text = token(session, given.cluster, given.region)
    except (BotoCoreError, ValueError) as error:
        return _failed(f"No AWS credentials to sign a token with: {error}. Sign in, or set AWS_PROFILE.")
    json.dump(credential(text, datetime.now(UTC)), sys.stdout)
    return 0


def _failed(reason: str) -> int:
    sys.stderr.write(reason + "\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
