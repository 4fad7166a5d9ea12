"""The authorities that sign certificates of RDS: AWS's own, which no system trusts by itself."""

from __future__ import annotations

import re
import urllib.error
import urllib.request

from infra.clouds.model import CloudError

_SECONDS = 20.0
_MAX_BYTES = 1 << 20
_CERTIFICATES = re.compile(r"\s*(-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\s*)+")


def address(region: str) -> str:
    """Where AWS publishes them, behind a certificate that everybody trusts."""
    if region.startswith("cn-"):
        return f"https://rds-truststore.s3.cn-north-1.amazonaws.com.cn/{region}/{region}-bundle.pem"
    host = (
        "truststore.pki.us-gov-west-1.rds.amazonaws.com"
        if region.startswith("us-gov-")
        else ("truststore.pki.rds.amazonaws.com")
    )
    return f"https://{host}/{region}/{region}-bundle.pem"


def database_authority(region: str) -> str:
    """PEM of the region's authorities, for `AwsCluster.database_authority`. Raises CloudError."""
    url = address(region)
    try:
        with urllib.request.urlopen(url, timeout=_SECONDS) as answer:  # noqa: S310 - https only, by `address`
            text: str = answer.read(_MAX_BYTES).decode("ascii")
    except (urllib.error.URLError, OSError, UnicodeDecodeError) as error:
        raise CloudError(f"AWS's authorities for databases could not be had from {url}: {error}.") from error
    if not _CERTIFICATES.fullmatch(text):
        raise CloudError(f"{url} did not answer with certificates in PEM.")
    return text
