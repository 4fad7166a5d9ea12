"""Section `azure` of a profile."""

from __future__ import annotations

import hashlib
from typing import Annotated

from pydantic import Field

from infra.profile.cloud import Cloud

_UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"


class Azure(Cloud):
    """AKS and what it needs in one region of one subscription, in resource groups of its own."""

    subscription: Annotated[str, Field(pattern=_UUID)]
    """The subscription's id. Immutable."""
    tenant: Annotated[str, Field(pattern=_UUID)]
    """The Entra tenant's id: who signs in to the cluster. Immutable."""
    location: Annotated[str, Field(pattern=r"^[a-z]+[a-z0-9]*$")]
    """Such as westeurope. Immutable."""
    administrators: tuple[Annotated[str, Field(pattern=_UUID)], ...] = ()
    """Object ids of Entra groups whose members administer the cluster; whoever runs `up` where none is given."""

    def unique(self, installation: str) -> str:
        """Letters and digits that set names apart where Azure wants them unique in the world."""
        return hashlib.sha256(f"{self.subscription}/{installation}".encode()).hexdigest()[:10]

    def registry(self, installation: str) -> str:
        return f"mlp{installation.replace('-', '')[:20]}{self.unique(installation)}.azurecr.io/"
