"""AKS and what it needs: the bill of materials."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_azure_native as azure_native
from pulumi_azure_native import authorization

from components.facts import Azure as AzureFacts
from components.facts import Network as NetworkFacts
from components.managed import Managed, ManagedDatabase
from infra.clusters.azure.classes import STORAGE_CLASS, storage_classes
from infra.clusters.azure.cluster import Cluster
from infra.clusters.azure.data import ADMINISTRATOR, Data
from infra.clusters.azure.dns import Domain
from infra.clusters.azure.groups import Groups
from infra.clusters.azure.identity import POD_LABELS, Identities
from infra.clusters.azure.names import ARTIFACTS, azure_of, names, tags
from infra.clusters.azure.network import Network
from infra.clusters.azure.registry import Registry
from infra.clusters.azure.shape import shape
from infra.clusters.azure.site import Site
from infra.clusters.azure.vault import Vault
from infra.clusters.outputs import exports
from infra.profile.model import Profile

_INTERNAL = {"service.beta.kubernetes.io/azure-load-balancer-internal": "true"}


@dataclass(frozen=True)
class AzureCluster:
    """The Pulumi program of the stack `cluster`. Calling it declares the resources and exports ClusterOutputs."""

    profile: Profile

    def __call__(self) -> None:
        site = self._site()
        installer = authorization.get_client_config_output(
            opts=pulumi.InvokeOutputOptions(provider=site.provider)
        ).object_id
        groups = Groups(site)
        identities = Identities(site, groups)
        network = Network(site, groups)
        vault = Vault(site, groups)
        data = Data(site, groups, network, vault, identities)
        registry = Registry(site, groups, network, identities, installer)
        cluster = Cluster(
            site,
            groups,
            network=network,
            identities=identities,
            vault=vault,
            data=data,
            registry=registry,
            installer=installer,
        )
        identities.federate(cluster.issuer)
        if site.azure.domain:
            domain = Domain(site, groups, site.azure.domain)
            pulumi.export("nameServers", domain.zone.name_servers)
        outputs = exports(
            cluster.kubeconfig(),
            cluster.server(),
            pulumi.Output.concat("v", cluster.cluster.current_kubernetes_version),
            self._network_facts(site, cluster),
            managed=self._managed(site, identities, data, cluster),
            database_password=data.password,
        )
        for key, value in outputs.items():
            pulumi.export(key, value)

    def _site(self) -> Site:
        azure = azure_of(self.profile)
        provider = azure_native.Provider(
            "azure", subscription_id=azure.subscription, tenant_id=azure.tenant, location=azure.location
        )
        return Site(
            profile=self.profile,
            azure=azure,
            names=names(self.profile),
            shape=shape(self.profile),
            tags=tags(self.profile),
            provider=provider,
        )

    def _network_facts(self, site: Site, cluster: Cluster) -> NetworkFacts:
        ranges = self.profile.kubernetes.ranges
        return NetworkFacts(
            pods=ranges.pods,
            services=ranges.services,
            # Private endpoints are in it too.
            nodes=site.azure.network,
            api_server_endpoints=cluster.api_endpoints(),
        )

    def _managed(self, site: Site, identities: Identities, data: Data, cluster: Cluster) -> pulumi.Output[Managed]:
        made, azure = site.names, site.azure
        return pulumi.Output.all(
            host=data.database.fully_qualified_domain_name,
            issuer=cluster.issuer,
            identities=identities.annotations(),
        ).apply(
            lambda found: Managed(
                cloud=AzureFacts(
                    subscription=azure.subscription,
                    tenant=azure.tenant,
                    location=azure.location,
                    resource_group=made.workspaces_group,
                    storage_account=made.workspaces_account,
                    storage_group=made.group,
                    storage_ranges=(site.shape.subnets.endpoints,),
                    oidc_issuer=found["issuer"],
                ),
                database=ManagedDatabase(
                    host=found["host"], administrator=ADMINISTRATOR, addresses=site.shape.subnets.database
                ),
                artifacts=f"wasbs://{ARTIFACTS}@{made.artifacts_account}.blob.core.windows.net",
                storage_class=STORAGE_CLASS,
                storage_classes=storage_classes(self.profile),
                identities=found["identities"],
                pod_labels=POD_LABELS,
                load_balancer={} if site.shape.gateway_public else dict(_INTERNAL),
                sources=azure.allowed_cidrs,
            )
        )
