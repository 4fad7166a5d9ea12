"""A token for the API server of an AKS cluster, as kubeconfigs ask for one:

    python -m infra.clouds.azure.token --tenant 00000000-0000-0000-0000-000000000000

Whoever `az login`, the environment or the machine's identity says. The token goes to standard output, where the client
that started this reads it, and nowhere else.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

SERVER = "6dae42f8-4368-4678-94ff-3960e28e3630"
"""Entra's id of AKS' API servers, the same everywhere."""


def document(token: str, expires: int) -> dict[str, Any]:
    """What clients of Kubernetes read. `expires` is in seconds since 1970."""
    return {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {
            "token": token,
            "expirationTimestamp": datetime.fromtimestamp(expires, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
    }


def main(arguments: Sequence[str] | None = None, credential: Any = None) -> int:
    """Writes the document. 1 where there is no token, with the reason on standard error."""
    from azure.core.exceptions import AzureError
    from azure.identity import DefaultAzureCredential

    parser = argparse.ArgumentParser(prog="infra.clouds.azure.token", description="A token for AKS' API server")
    parser.add_argument("--tenant", required=True, help="id of the Entra tenant")
    tenant = parser.parse_args(arguments).tenant
    # The SDK warns of every way to sign in that it tried in vain.
    logging.getLogger("azure").setLevel(logging.CRITICAL)
    try:
        given = (credential or DefaultAzureCredential()).get_token(f"{SERVER}/.default", tenant_id=tenant)
    except AzureError as error:
        reason = str(error).partition("\n")[0]
        sys.stderr.write(f"no token for AKS in tenant {tenant}: {reason} Run: az login --tenant {tenant}\n")
        return 1
    sys.stdout.write(json.dumps(document(given.token, given.expires_on)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
