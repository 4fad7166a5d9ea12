"""GKE and what it needs: the bill of materials."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_gcp as google
from pulumi_gcp import organizations

from components.facts import Gcp as GcpFacts
from components.facts import Network as NetworkFacts
from components.managed import Managed, ManagedDatabase
from infra.clusters.gcp.classes import STORAGE_CLASS, storage_classes
from infra.clusters.gcp.cluster import Cluster
from infra.clusters.gcp.data import ADMINISTRATOR, Data
from infra.clusters.gcp.dns import Domain
from infra.clusters.gcp.identity import Identities
from infra.clusters.gcp.keys import Keys
from infra.clusters.gcp.names import gcp_of, labels, names
from infra.clusters.gcp.network import GOOGLE, Network
from infra.clusters.gcp.registry import Registry
from infra.clusters.gcp.services import Services
from infra.clusters.gcp.shape import shape
from infra.clusters.gcp.site import Site
from infra.clusters.outputs import exports
from infra.profile.model import Profile

_PRIVATE = {"networking.gke.io/load-balancer-type": "Internal"}
_PUBLIC = {"cloud.google.com/l4-rbs": "enabled"}
"""Annotations of the gateway's load balancer."""


@dataclass(frozen=True)
class GcpCluster:
    """The Pulumi program of the stack `cluster`. Calling it declares the resources and exports ClusterOutputs."""

    profile: Profile

    def __call__(self) -> None:
        site = self._site()
        keys = Keys(site)
        network = Network(site)
        identities = Identities(site)
        registry = Registry(site, keys, identities)
        data = Data(site, keys, network)
        cluster = Cluster(site, keys, network, identities, registry)
        identities.grant(data.artifacts, cluster.cluster)
        if site.gcp.domain:
            domain = Domain(site, site.gcp.domain)
            pulumi.export("nameServers", domain.zone.name_servers)
        outputs = exports(
            cluster.kubeconfig(),
            cluster.server(),
            pulumi.Output.concat("v", cluster.cluster.master_version),
            self._network_facts(site, cluster),
            managed=self._managed(site, keys, data),
            database_password=data.password,
        )
        for key, value in outputs.items():
            pulumi.export(key, value)

    def _site(self) -> Site:
        gcp = gcp_of(self.profile)
        provider = google.Provider("gcp", project=gcp.project, region=gcp.region)
        services = Services(gcp, pulumi.ResourceOptions(providers=[provider]))
        project = organizations.get_project_output(
            project_id=gcp.project, opts=pulumi.InvokeOutputOptions(provider=provider)
        )
        return Site(
            profile=self.profile,
            gcp=gcp,
            names=names(self.profile),
            shape=shape(self.profile),
            labels=labels(self.profile),
            provider=provider,
            number=project.number,
            services=services.all,
        )

    def _network_facts(self, site: Site, cluster: Cluster) -> pulumi.Output[NetworkFacts]:
        ranges = self.profile.kubernetes.ranges
        return cluster.api_endpoint().apply(
            lambda endpoint: NetworkFacts(
                pods=ranges.pods,
                services=ranges.services,
                # The database's address is in it too.
                nodes=site.gcp.network,
                api_server_endpoints=(endpoint,),
            )
        )

    def _managed(self, site: Site, keys: Keys, data: Data) -> pulumi.Output[Managed]:
        return pulumi.Output.all(
            number=site.number,
            key=keys.data.id,
            disks=keys.disks.id,
            host=data.address.address,
            authority=pulumi.Output.unsecret(data.authority()),
            artifacts=data.artifacts.name,
        ).apply(
            lambda found: Managed(
                cloud=GcpFacts(
                    project=site.gcp.project,
                    project_number=found["number"],
                    location=site.gcp.region,
                    workload_pool=site.names.pool,
                    key=found["key"],
                    storage_ranges=(GOOGLE,),
                ),
                database=ManagedDatabase(
                    host=found["host"],
                    administrator=ADMINISTRATOR,
                    addresses=f"{found['host']}/32",
                    ca=found["authority"],
                    # Its certificate bears no name; but its authority signs no other server's.
                    tls="verify-ca",
                ),
                artifacts=f"gs://{found['artifacts']}",
                storage_class=STORAGE_CLASS,
                storage_classes=storage_classes(self.profile, found["disks"]),
                # Service accounts are members of IAM themselves.
                identities={},
                load_balancer=dict(_PUBLIC if site.shape.gateway_public else _PRIVATE),
                sources=site.gcp.allowed_cidrs,
            )
        )
