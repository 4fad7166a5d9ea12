"""`python -m infra.clouds.gcp.token`: gives kubectl and Pulumi an access token of the application default credentials.

It is what a kubeconfig of GKE names as its command, in place of gcloud's plugin.
"""

from __future__ import annotations

import datetime
import json
import sys
from typing import Any

from infra.clouds.gcp.session import NoCredentials, credentials, refreshed

_API_VERSION = "client.authentication.k8s.io/v1"


def credential(token: str, expiry: datetime.datetime | None) -> dict[str, Any]:
    """The ExecCredential that Kubernetes' clients want. `expiry` is in UTC without saying so, as Google's library has
    it; without one, clients ask each time."""
    status = {"token": token}
    if expiry is not None:
        status["expirationTimestamp"] = expiry.replace(microsecond=0, tzinfo=None).isoformat() + "Z"
    return {"apiVersion": _API_VERSION, "kind": "ExecCredential", "status": status}


def main() -> int:
    """Prints it; 1 and the reason on standard error where there is none."""
    try:
        found = refreshed(credentials())
    except NoCredentials as error:
        sys.stderr.write(f"{error}\n")
        return 1
    json.dump(credential(found.token, found.expiry), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
