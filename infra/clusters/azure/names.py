"""Names, tags and ids of everything on Azure, from the profile alone. Pure.

Names are never made up by the engine: a second run finds what the first one made, and so do the checks by name.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass

from infra.clusters.errors import ClusterError
from infra.profile.azure import Azure
from infra.profile.model import Profile

TAG_INSTALLATION = "mlp-installation"
TAG_MANAGED_BY = "managed-by"
MANAGED_BY = "mlp"

ARTIFACTS = "artifacts"
"""The tracking server's container in the storage account of the same subject."""

PRIVATE_ZONES = {
    "blob": "privatelink.blob.core.windows.net",
    "registry": "privatelink.azurecr.io",
}
"""Private DNS zones of what is reached through private endpoints, as Azure names them."""

POOL_NAME_MAX = 12
_NAMESPACE = uuid.UUID("6f0c6f0e-3c3f-5c58-9a5e-2b0f0f1f7a11")
"""Of the names of role assignments and role definitions, which Azure wants to be GUIDs."""


def azure_of(profile: Profile) -> Azure:
    """The profile's section `azure`. Raises ClusterError where it is for another target."""
    if profile.azure is None:
        raise ClusterError(f"target {profile.target!r} is not Azure; give the profile a section 'azure'")
    return profile.azure


@dataclass(frozen=True)
class Names:
    """Names of one installation's resources. Those that must be unique in the world end in a digest."""

    installation: str
    subscription: str
    unique: str
    """Ten hexadecimal digits of subscription and installation."""
    registry: str

    @property
    def group(self) -> str:
        """Resource group of all but the nodes and the workspaces' identities."""
        return f"mlp-{self.installation}"

    @property
    def workspaces_group(self) -> str:
        """Resource group of what the control plane makes for workspaces."""
        return f"mlp-{self.installation}-workspaces"

    @property
    def nodes_group(self) -> str:
        """Resource group that AKS makes for the nodes."""
        return f"mlp-{self.installation}-nodes"

    @property
    def cluster(self) -> str:
        return f"mlp-{self.installation}"

    @property
    def server(self) -> str:
        """The PostgreSQL server."""
        return f"mlp-{self.installation}-{self.unique}"

    @property
    def artifacts_account(self) -> str:
        """Storage account of the tracking server: 3 to 24 lower-case letters and digits."""
        return f"mlpart{self.unique}"

    @property
    def workspaces_account(self) -> str:
        """Storage account of the workspaces' containers."""
        return f"mlpws{self.unique}"

    @property
    def vault(self) -> str:
        """At most 24 letters, digits and dashes, a letter first."""
        return f"mlp-{self.unique}-kv"

    @property
    def disk_encryption_set(self) -> str:
        return f"mlp-{self.installation}-disks"

    def identity(self, purpose: str) -> str:
        """A user-assigned identity."""
        return f"mlp-{self.installation}-{purpose}"

    def id(self, kind: str, name: str) -> str:
        """Resource id in the platform's group, such as of kind `Microsoft.Compute/diskEncryptionSets`."""
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.group}/providers/{kind}/{name}"

    def guid(self, *parts: str) -> str:
        """The same GUID for the same parts of the same installation."""
        return str(uuid.uuid5(_NAMESPACE, "/".join((self.subscription, self.installation, *parts))))


def names(profile: Profile) -> Names:
    """Names of a profile's installation."""
    azure = azure_of(profile)
    registry = azure.registry(profile.name).partition(".")[0]
    return Names(profile.name, azure.subscription, azure.unique(profile.name), registry)


def tags(profile: Profile) -> dict[str, str]:
    """On everything that takes tags; the platform's own win over those of the profile."""
    return {**azure_of(profile).tags, TAG_INSTALLATION: profile.name, TAG_MANAGED_BY: MANAGED_BY}


def pool_name(name: str) -> str:
    """A node pool's name on AKS: at most 12 lower-case letters and digits. Longer ones and ones with dashes end in a
    digest, so that two pools of a profile never meet."""
    plain = name.replace("-", "")
    if plain == name and len(name) <= POOL_NAME_MAX:
        return name
    return plain[: POOL_NAME_MAX - 4] + hashlib.sha256(name.encode()).hexdigest()[:4]
