"""The keys that everything is encrypted with, and which of Google's services may use them."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
from pulumi_gcp import kms, projects, storage

from infra.clusters.gcp.site import Site

ROTATION = "7776000s"
"""90 days."""
_DESTROYED_AFTER = "2592000s"
"""30 days, in which a key's version can be brought back."""
_USE = "roles/cloudkms.cryptoKeyEncrypterDecrypter"


class Keys(pulumi.ComponentResource):
    """`cluster`: secrets of Kubernetes. `disks`: of nodes and volumes. `data`: buckets, database and images.

    `ready` are the rights without which the services would refuse a key.
    """

    def __init__(self, site: Site) -> None:
        super().__init__("mlp:gcp:Keys", "keys", None, site.options())
        self._site = site
        # Its name gets a random end: a ring is there for ever, and `up` after `down` needs another one.
        self.ring = kms.KeyRing(
            site.names.prefix, location=site.gcp.region, project=site.gcp.project, opts=site.below(self, protect=True)
        )
        self.cluster, self.disks, self.data = (self._key(name) for name in ("cluster", "disks", "data"))
        agents = self._agents()
        users: Mapping[str, tuple[kms.CryptoKey, pulumi.Input[str]]] = {
            "cluster-kubernetes": (self.cluster, agents["kubernetes"]),
            "disks-compute": (self.disks, agents["compute"]),
            "data-storage": (self.data, agents["storage"]),
            "data-database": (self.data, agents["database"]),
            "data-registry": (self.data, agents["registry"]),
        }
        self.ready = {
            name: kms.CryptoKeyIAMMember(name, crypto_key_id=key.id, role=_USE, member=member, opts=site.below(self))
            for name, (key, member) in users.items()
        }
        self.register_outputs({"cluster": self.cluster.id, "disks": self.disks.id, "data": self.data.id})

    def _key(self, name: str) -> kms.CryptoKey:
        return kms.CryptoKey(
            name,
            name=name,
            key_ring=self.ring.id,
            purpose="ENCRYPT_DECRYPT",
            rotation_period=ROTATION,
            destroy_scheduled_duration=_DESTROYED_AFTER,
            labels=self._site.labels,
            opts=self._site.below(self, protect=True),
        )

    def _agents(self) -> dict[str, pulumi.Input[str]]:
        """IAM members for Google's services in this project. Some are made only when they are asked for."""
        site, project = self._site, self._site.gcp.project
        asked = {
            name: projects.ServiceIdentity(name, service=api, project=project, opts=site.below(self))
            for name, api in (
                ("database", "sqladmin.googleapis.com"),
                ("kubernetes", "container.googleapis.com"),
                ("registry", "artifactregistry.googleapis.com"),
            )
        }
        found = storage.get_project_service_account_output(
            project=project, opts=pulumi.InvokeOutputOptions(parent=self, depends_on=list(site.services))
        )
        compute = site.number.apply(lambda number: f"service-{number}@compute-system.iam.gserviceaccount.com")
        emails = {
            **{name: identity.email for name, identity in asked.items()},
            "storage": found.email_address,
            "compute": compute,
        }
        return {name: pulumi.Output.concat("serviceAccount:", email) for name, email in emails.items()}
