"""The repository of images."""

from __future__ import annotations

import pulumi
from pulumi_gcp import artifactregistry

from infra.clusters.gcp.identity import Identities
from infra.clusters.gcp.keys import Keys
from infra.clusters.gcp.site import Site


class Registry(pulumi.ComponentResource):
    """Nodes may pull, nobody else is given rights here. `pull` must be there before nodes."""

    def __init__(self, site: Site, keys: Keys, identities: Identities) -> None:
        super().__init__("mlp:gcp:Registry", "registry", None, site.options())
        self.repository = artifactregistry.Repository(
            "images",
            repository_id=site.names.prefix,
            project=site.gcp.project,
            location=site.gcp.region,
            format="DOCKER",
            description=f"Images of {site.names.prefix}",
            kms_key_name=keys.data.id,
            labels=site.labels,
            opts=site.below(self, keys.ready["data-registry"]),
        )
        self.pull = artifactregistry.RepositoryIamMember(
            "pull",
            project=site.gcp.project,
            location=site.gcp.region,
            repository=self.repository.name,
            role="roles/artifactregistry.reader",
            member=identities.nodes_member,
            opts=site.below(self),
        )
        self.register_outputs({"repository": self.repository.id})
