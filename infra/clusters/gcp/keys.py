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

_AGENTS = {
    "compute": "compute-system",
    "database": "gcp-sa-cloud-sql",
    "kubernetes": "container-engine-robot",
    "registry": "gcp-sa-artifactregistry",
}
"""Whose name has the project's number in it → its domain."""
_MADE_WHEN_ASKED = {
    "database": "sqladmin.googleapis.com",
    "kubernetes": "container.googleapis.com",
    "registry": "artifactregistry.googleapis.com",
}


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
        users: Mapping[str, tuple[kms.CryptoKey, str]] = {
            "cluster-kubernetes": (self.cluster, "kubernetes"),
            "disks-compute": (self.disks, "compute"),
            "data-storage": (self.data, "storage"),
            "data-database": (self.data, "database"),
            "data-registry": (self.data, "registry"),
        }
        asked = self._asked()
        self.ready = {
            name: kms.CryptoKeyIAMMember(
                name, crypto_key_id=key.id, role=_USE, member=agents[agent], opts=site.below(self, *asked)
            )
            for name, (key, agent) in users.items()
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

    def _asked(self) -> list[pulumi.Resource]:
        """Some agents are made only when somebody asks for them."""
        project = self._site.gcp.project
        return [
            projects.ServiceIdentity(name, service=api, project=project, opts=self._site.below(self))
            for name, api in _MADE_WHEN_ASKED.items()
        ]

    def _agents(self) -> dict[str, pulumi.Input[str]]:
        """IAM members for Google's services in this project."""
        site = self._site
        storage_agent = storage.get_project_service_account_output(
            project=site.gcp.project, opts=pulumi.InvokeOutputOptions(parent=self, depends_on=list(site.services))
        )
        emails: dict[str, pulumi.Input[str]] = {
            name: pulumi.Output.concat("service-", site.number, f"@{domain}.iam.gserviceaccount.com")
            for name, domain in _AGENTS.items()
        }
        emails["storage"] = storage_agent.email_address
        return {name: pulumi.Output.concat("serviceAccount:", email) for name, email in emails.items()}
