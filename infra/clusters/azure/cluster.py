"""The AKS cluster and its node pools."""

from __future__ import annotations

import ipaddress
from typing import Any

import pulumi
from pulumi_azure_native import containerservice

from infra.clusters.azure.data import Data
from infra.clusters.azure.groups import Groups
from infra.clusters.azure.identity import Identities
from infra.clusters.azure.kubeconfig import for_installer
from infra.clusters.azure.network import Network
from infra.clusters.azure.registry import Registry
from infra.clusters.azure.roles import assign, assign_people
from infra.clusters.azure.shape import Pool
from infra.clusters.azure.site import Site
from infra.clusters.azure.vault import Vault

_API_PORT = 443
_DNS_INDEX = 10
"""Of the cluster's DNS service within the services' range, as kubeadm has it."""


class Cluster(pulumi.ComponentResource):
    """The API server stands in the platform's network; Entra says who calls, Azure's roles and Kubernetes' RBAC what
    they may."""

    def __init__(
        self,
        site: Site,
        groups: Groups,
        *,
        network: Network,
        identities: Identities,
        vault: Vault,
        data: Data,
        registry: Registry,
        installer: pulumi.Output[str],
    ) -> None:
        super().__init__("mlp:azure:Cluster", "cluster", None, site.options())
        self._site, self._group, self._network = site, groups.platform.name, network
        rights = self._rights(identities, vault, data)
        first, *others = site.shape.pools
        self.cluster = containerservice.ManagedCluster(
            "cluster",
            resource_name_=site.names.cluster,
            resource_group_name=self._group,
            location=site.azure.location,
            sku=containerservice.ManagedClusterSKUArgs(name="Base", tier=site.shape.tier),
            kubernetes_version=self._minor(),
            dns_prefix=site.names.cluster,
            node_resource_group=site.names.nodes_group,
            enable_rbac=True,
            disable_local_accounts=True,
            aad_profile=containerservice.ManagedClusterAADProfileArgs(
                managed=True, enable_azure_rbac=True, tenant_id=site.azure.tenant
            ),
            api_server_access_profile=self._access(),
            agent_pool_profiles=[
                containerservice.ManagedClusterAgentPoolProfileArgs(name=first.aks_name, **self._pool(first))
            ],
            auto_upgrade_profile=containerservice.ManagedClusterAutoUpgradeProfileArgs(
                upgrade_channel="patch", node_os_upgrade_channel="NodeImage"
            ),
            disk_encryption_set_id=data.disks.id,
            identity=containerservice.ManagedClusterIdentityArgs(
                type=containerservice.ResourceIdentityType.USER_ASSIGNED,
                user_assigned_identities=[identities.of["cluster"].id],
            ),
            identity_profile={
                "kubeletidentity": containerservice.UserAssignedIdentityArgs(
                    resource_id=identities.of["kubelet"].id,
                    client_id=identities.of["kubelet"].client_id,
                    object_id=identities.of["kubelet"].principal_id,
                )
            },
            network_profile=self._networking(),
            oidc_issuer_profile=containerservice.ManagedClusterOIDCIssuerProfileArgs(enabled=True),
            security_profile=containerservice.ManagedClusterSecurityProfileArgs(
                azure_key_vault_kms=containerservice.AzureKeyVaultKmsArgs(
                    enabled=True,
                    key_id=vault.etcd.key_uri_with_version,
                    key_vault_network_access="Private",
                    key_vault_resource_id=vault.vault.id,
                ),
                image_cleaner=containerservice.ManagedClusterSecurityProfileImageCleanerArgs(
                    enabled=True, interval_hours=168
                ),
                workload_identity=containerservice.ManagedClusterSecurityProfileWorkloadIdentityArgs(enabled=True),
            ),
            storage_profile=containerservice.ManagedClusterStorageProfileArgs(
                disk_csi_driver=containerservice.ManagedClusterStorageProfileDiskCSIDriverArgs(enabled=True),
                file_csi_driver=containerservice.ManagedClusterStorageProfileFileCSIDriverArgs(enabled=False),
                snapshot_controller=containerservice.ManagedClusterStorageProfileSnapshotControllerArgs(enabled=True),
            ),
            tags=site.tags,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[*rights, registry.pull],
                # The autoscaler's business.
                ignore_changes=["agentPoolProfiles[0].count"],
            ),
        )
        for pool in others:
            self._agent_pool(pool)
        administer = "Azure Kubernetes Service RBAC Cluster Admin"
        assign_people(site, "admin", administer, installer=installer, scope=self.cluster.id, parent=self)
        self.issuer = self.cluster.oidc_issuer_profile.issuer_url
        self.register_outputs({"cluster": self.cluster.id})

    def kubeconfig(self) -> pulumi.Output[str]:
        """For whoever has credentials of Azure and the right role; it holds no secret, but is treated as one."""
        name, group = self._site.names.cluster, self._site.names.group
        found = containerservice.list_managed_cluster_user_credentials_output(
            resource_name=self.cluster.id.apply(lambda _: name),
            resource_group_name=group,
            opts=pulumi.InvokeOutputOptions(parent=self),
        )
        tenant = self._site.azure.tenant
        return pulumi.Output.secret(found.apply(lambda given: for_installer(given.kubeconfigs[0].value, tenant)))

    def server(self) -> pulumi.Output[str]:
        """URL of the API server: its private name where it has no other."""
        private = self._site.azure.endpoint == "private"
        name = self.cluster.private_fqdn if private else self.cluster.fqdn
        return pulumi.Output.concat("https://", name, f":{_API_PORT}")

    def api_endpoints(self) -> tuple[str, ...]:
        """`range:port` behind the service `kubernetes`: whatever else there is, nodes and pods use the private address,
        which Azure takes from a subnet that holds nothing else."""
        return (f"{self._site.shape.subnets.api}:{_API_PORT}",)

    def _rights(self, identities: Identities, vault: Vault, data: Data) -> list[pulumi.Resource]:
        """What AKS itself needs, thing by thing; they come before the cluster, which Azure checks for them."""
        who = identities.of["cluster"].principal_id
        wanted: tuple[tuple[str, str, pulumi.Input[str]], ...] = (
            ("cluster-nodes", "Network Contributor", self._network.nodes.id),
            ("cluster-api", "Network Contributor", self._network.api.id),
            ("cluster-kubelet", "Managed Identity Operator", identities.of["kubelet"].id),
            ("cluster-disks", "Reader", data.disks.id),
            ("cluster-secrets", "Key Vault Crypto User", vault.etcd.id),
            # Azure has nothing smaller that may connect a private endpoint to a vault.
            ("cluster-vault", "Key Vault Contributor", vault.vault.id),
        )
        return [assign(self._site, name, role, principal=who, scope=scope, parent=self) for name, role, scope in wanted]

    def _minor(self) -> str:
        """AKS chooses the patch of a minor version, and moves on to newer patches by itself."""
        return ".".join(self._site.profile.kubernetes.version.removeprefix("v").split(".")[:2])

    def _access(self) -> containerservice.ManagedClusterAPIServerAccessProfileArgs:
        private = self._site.azure.endpoint == "private"
        ways: dict[str, Any] = (
            {"private_dns_zone": "system", "enable_private_cluster_public_fqdn": False}
            if private
            else {"authorized_ip_ranges": list(self._site.azure.allowed_cidrs)}
        )
        return containerservice.ManagedClusterAPIServerAccessProfileArgs(
            enable_private_cluster=private,
            enable_vnet_integration=True,
            subnet_id=self._network.api.id,
            disable_run_command=True,
            **ways,
        )

    def _networking(self) -> containerservice.ContainerServiceNetworkProfileArgs:
        ranges = self._site.profile.kubernetes.ranges
        return containerservice.ContainerServiceNetworkProfileArgs(
            network_plugin="azure",
            network_plugin_mode="overlay",
            network_dataplane="cilium",
            network_policy="cilium",
            load_balancer_sku="standard",
            outbound_type="userAssignedNATGateway",
            ip_families=["IPv4"],
            pod_cidr=ranges.pods,
            service_cidr=ranges.services,
            dns_service_ip=str(ipaddress.IPv4Network(ranges.services)[_DNS_INDEX]),
        )

    def _pool(self, pool: Pool) -> dict[str, Any]:
        """What a pool has both in the cluster's own list and as a resource."""
        made: dict[str, Any] = {
            "mode": pool.mode,
            "type": "VirtualMachineScaleSets",
            "vm_size": pool.machine,
            "count": max(pool.minimum, 1) if pool.mode == "System" else pool.minimum,
            "enable_auto_scaling": True,
            "min_count": pool.minimum,
            "max_count": pool.maximum,
            "availability_zones": list(self._site.shape.zones),
            "os_type": "Linux",
            "os_sku": "Ubuntu",
            "os_disk_type": "Managed",
            "os_disk_size_gb": pool.disk_gib,
            "kubelet_disk_type": "OS",
            "enable_node_public_ip": False,
            "vnet_subnet_id": self._network.nodes.id,
            "orchestrator_version": self._minor(),
            "node_labels": pool.labels,
            "node_taints": list(pool.taints),
            "tags": self._site.tags,
        }
        if pool.gpu:
            made["gpu_profile"] = containerservice.GPUProfileArgs(driver="Install")
        if pool.spot:
            # The price may rise to that of other nodes, not above.
            made |= {"scale_set_priority": "Spot", "scale_set_eviction_policy": "Delete", "spot_max_price": -1.0}
        else:
            made["upgrade_settings"] = containerservice.AgentPoolUpgradeSettingsArgs(max_surge="33%")
        return made

    def _agent_pool(self, pool: Pool) -> None:
        containerservice.AgentPool(
            pool.name,
            agent_pool_name=pool.aks_name,
            resource_name_=self.cluster.name,
            resource_group_name=self._group,
            **self._pool(pool),
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["count"]),
        )
