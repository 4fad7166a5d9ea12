"""Section `state` of a profile: where Pulumi keeps what it knows, and who opens its secrets."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from infra.profile.common import Closed


class State(Closed):
    """State of the installation's stacks."""

    backend: Annotated[str, Field(pattern=r"^(home|file://.+|s3://.+|gs://.+|azblob://.+)$")] = "home"
    """`home`: a folder of this machine. Else a bucket, made on first use, versioned and encrypted. Immutable."""
    secrets: Annotated[str, Field(pattern=r"^(passphrase|awskms://.+|gcpkms://.+|azurekeyvault://.+)$")] = "passphrase"
    """Who opens secrets in the state: a passphrase that this machine keeps, or a key of the cloud. Immutable."""
