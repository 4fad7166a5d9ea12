"""GKE and its node pools."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi
from pulumi_gcp import container

from infra.clusters.gcp.identity import Identities
from infra.clusters.gcp.keys import Keys
from infra.clusters.gcp.kubeconfig import kubeconfig
from infra.clusters.gcp.network import PODS, SERVICES, Network
from infra.clusters.gcp.registry import Registry
from infra.clusters.gcp.shape import Pool
from infra.clusters.gcp.site import Site

API_PORT = 443
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
"""What a node may do is decided by its service account's rights, not by scopes."""
_SINCE = "2025-01-01T"
_CHANNELS = {"regular": "REGULAR", "stable": "STABLE", "none": "UNSPECIFIED"}


class Cluster(pulumi.ComponentResource):
    """Nodes have private addresses alone. Network policies are enforced by Dataplane V2. Pods get their own identity
    and never the node's."""

    def __init__(self, site: Site, keys: Keys, network: Network, identities: Identities, registry: Registry) -> None:
        super().__init__("mlp:gcp:Cluster", "cluster", None, site.options())
        self._site, self._keys, self._network, self._identities = site, keys, network, identities
        self._before: list[pulumi.Resource] = [
            keys.ready["disks-compute"],
            network.exit,
            *network.google,
            identities.nodes_right,
            registry.pull,
        ]
        self.cluster = self._cluster()
        self.pools = [self._pool(pool) for pool in site.shape.pools]
        self.register_outputs({"cluster": self.cluster.id})

    def kubeconfig(self) -> pulumi.Output[str]:
        """For whoever has credentials of GCP and the right role; it holds no secret, but is treated as one."""
        authority = self.cluster.master_auth.apply(lambda found: found.cluster_ca_certificate)
        made = pulumi.Output.all(self.server(), authority).apply(lambda found: kubeconfig(found[0], found[1]))
        return pulumi.Output.secret(made)

    def server(self) -> pulumi.Output[str]:
        """URL of the API server: its private address where it has no other."""
        return pulumi.Output.concat("https://", self.cluster.endpoint)

    def api_endpoint(self) -> pulumi.Output[str]:
        """`address:port` behind the service `kubernetes`: nodes and pods use the private address, whatever else there
        is."""
        private = self.cluster.private_cluster_config.apply(lambda found: found.private_endpoint)
        return pulumi.Output.concat(private, f":{API_PORT}")

    def _cluster(self) -> container.Cluster:
        site = self._site
        return container.Cluster(
            "cluster",
            name=site.names.prefix,
            project=site.gcp.project,
            location=site.gcp.region,
            node_locations=list(site.shape.zones),
            deletion_protection=site.keep,
            resource_labels=site.labels,
            **self._versions(),
            **self._networking(),
            **self._access(),
            **self._hardening(),
            **self._addons(),
            # GKE makes no cluster without nodes; these go at once, for pools of which each is a resource of its own.
            remove_default_node_pool=True,
            initial_node_count=1,
            node_config=container.ClusterNodeConfigArgs(
                machine_type=site.shape.pools[0].machine,
                service_account=self._identities.nodes.email,
                oauth_scopes=[_SCOPE],
                boot_disk_kms_key=self._keys.disks.id,
                labels={},
                resource_labels=site.labels,
                shielded_instance_config=container.ClusterNodeConfigShieldedInstanceConfigArgs(
                    enable_secure_boot=True, enable_integrity_monitoring=True
                ),
                workload_metadata_config=container.ClusterNodeConfigWorkloadMetadataConfigArgs(mode="GKE_METADATA"),
            ),
            opts=site.below(
                self,
                self._keys.ready["cluster-kubernetes"],
                *self._before,
                protect=True,
                ignore_changes=["nodeConfig"],
                custom_timeouts=pulumi.CustomTimeouts(create="60m", update="120m", delete="60m"),
            ),
        )

    def _versions(self) -> dict[str, Any]:
        """The profile's minor version, with patches as they come."""
        excluded = [
            container.ClusterMaintenancePolicyMaintenanceExclusionArgs(
                exclusion_name="minor-version-of-the-profile",
                start_time=f"{_SINCE}00:00:00Z",
                exclusion_options=container.ClusterMaintenancePolicyMaintenanceExclusionExclusionOptionsArgs(
                    scope="NO_MINOR_UPGRADES", end_time_behavior="UNTIL_END_OF_SUPPORT"
                ),
            )
        ]
        channel = self._site.gcp.release_channel
        return {
            "min_master_version": self._minor(),
            "release_channel": container.ClusterReleaseChannelArgs(channel=_CHANNELS[channel]),
            "maintenance_policy": container.ClusterMaintenancePolicyArgs(
                recurring_window=container.ClusterMaintenancePolicyRecurringWindowArgs(
                    start_time=f"{_SINCE}02:00:00Z", end_time=f"{_SINCE}06:00:00Z", recurrence="FREQ=DAILY"
                ),
                # Only clusters in a channel know it.
                maintenance_exclusions=[] if channel == "none" else excluded,
            ),
        }

    def _minor(self) -> str:
        return ".".join(self._site.profile.kubernetes.version.removeprefix("v").split(".")[:2])

    def _networking(self) -> dict[str, Any]:
        return {
            "network": self._network.network.id,
            "subnetwork": self._network.nodes.id,
            "networking_mode": "VPC_NATIVE",
            "ip_allocation_policy": container.ClusterIpAllocationPolicyArgs(
                cluster_secondary_range_name=PODS, services_secondary_range_name=SERVICES, stack_type="IPV4"
            ),
            "default_max_pods_per_node": 110,
            "datapath_provider": "ADVANCED_DATAPATH",
            "enable_l4_ilb_subsetting": True,
            # Network policies let pods ask the pods of kube-dns: neither a cache on nodes nor Cloud DNS has those.
            "dns_config": container.ClusterDnsConfigArgs(cluster_dns="KUBE_DNS"),
        }

    def _access(self) -> dict[str, Any]:
        """The API server: from the cluster's own network, and from where the profile says."""
        site = self._site
        return {
            "private_cluster_config": container.ClusterPrivateClusterConfigArgs(
                enable_private_nodes=True,
                enable_private_endpoint=site.gcp.endpoint == "private",
                private_endpoint_subnetwork=self._network.control.id,
            ),
            "master_authorized_networks_config": container.ClusterMasterAuthorizedNetworksConfigArgs(
                cidr_blocks=[
                    container.ClusterMasterAuthorizedNetworksConfigCidrBlockArgs(cidr_block=cidr)
                    for cidr in site.shape.authorised
                ],
                gcp_public_cidrs_access_enabled=False,
                private_endpoint_enforcement_enabled=True,
            ),
            "control_plane_endpoints_config": container.ClusterControlPlaneEndpointsConfigArgs(
                dns_endpoint_config=container.ClusterControlPlaneEndpointsConfigDnsEndpointConfigArgs(
                    allow_external_traffic=False
                )
            ),
        }

    def _hardening(self) -> dict[str, Any]:
        return {
            "workload_identity_config": container.ClusterWorkloadIdentityConfigArgs(
                workload_pool=self._site.names.pool
            ),
            "database_encryption": container.ClusterDatabaseEncryptionArgs(
                state="ENCRYPTED", key_name=self._keys.cluster.id
            ),
            "enable_shielded_nodes": True,
            "enable_legacy_abac": False,
            "anonymous_authentication_config": container.ClusterAnonymousAuthenticationConfigArgs(mode="LIMITED"),
            "master_auth": container.ClusterMasterAuthArgs(
                client_certificate_config=container.ClusterMasterAuthClientCertificateConfigArgs(
                    issue_client_certificate=False
                )
            ),
            # To GKE, everybody with a Google account is system:authenticated.
            "rbac_binding_config": container.ClusterRbacBindingConfigArgs(
                enable_insecure_binding_system_authenticated=False,
                enable_insecure_binding_system_unauthenticated=False,
            ),
            "security_posture_config": container.ClusterSecurityPostureConfigArgs(
                mode="BASIC", vulnerability_mode="VULNERABILITY_DISABLED"
            ),
        }

    def _addons(self) -> dict[str, Any]:
        return {
            "addons_config": container.ClusterAddonsConfigArgs(
                dns_cache_config=container.ClusterAddonsConfigDnsCacheConfigArgs(enabled=False),
                gce_persistent_disk_csi_driver_config=(
                    container.ClusterAddonsConfigGcePersistentDiskCsiDriverConfigArgs(enabled=True)
                ),
                horizontal_pod_autoscaling=container.ClusterAddonsConfigHorizontalPodAutoscalingArgs(disabled=False),
                http_load_balancing=container.ClusterAddonsConfigHttpLoadBalancingArgs(disabled=False),
            ),
            "cost_management_config": container.ClusterCostManagementConfigArgs(enabled=True),
            "logging_config": container.ClusterLoggingConfigArgs(
                enable_components=["SYSTEM_COMPONENTS", "APISERVER", "WORKLOADS"]
            ),
            "monitoring_config": container.ClusterMonitoringConfigArgs(
                enable_components=["SYSTEM_COMPONENTS"],
                managed_prometheus=container.ClusterMonitoringConfigManagedPrometheusArgs(enabled=False),
            ),
        }

    def _pool(self, pool: Pool) -> container.NodePool:
        site = self._site
        return container.NodePool(
            pool.name,
            name=pool.name,
            project=site.gcp.project,
            location=site.gcp.region,
            cluster=self.cluster.name,
            node_locations=list(site.shape.zones),
            initial_node_count=pool.initial,
            autoscaling=container.NodePoolAutoscalingArgs(
                total_min_node_count=pool.minimum,
                total_max_node_count=pool.maximum,
                location_policy="ANY" if pool.spot or pool.accelerator else "BALANCED",
            ),
            management=container.NodePoolManagementArgs(
                auto_repair=True, auto_upgrade=site.gcp.release_channel != "none"
            ),
            upgrade_settings=container.NodePoolUpgradeSettingsArgs(
                strategy="SURGE", max_surge=0 if pool.accelerator else 1, max_unavailable=1 if pool.accelerator else 0
            ),
            network_config=container.NodePoolNetworkConfigArgs(enable_private_nodes=True),
            node_config=self._node(pool),
            # How many nodes there are is the autoscaler's business.
            opts=site.below(
                self,
                *self._before,
                ignore_changes=["initialNodeCount"],
                custom_timeouts=pulumi.CustomTimeouts(create="45m", update="120m", delete="45m"),
            ),
        )

    def _node(self, pool: Pool) -> container.NodePoolNodeConfigArgs:
        return container.NodePoolNodeConfigArgs(
            machine_type=pool.machine,
            image_type="COS_CONTAINERD",
            disk_type="pd-balanced",
            disk_size_gb=pool.disk_gib,
            boot_disk_kms_key=self._keys.disks.id,
            service_account=self._identities.nodes.email,
            oauth_scopes=[_SCOPE],
            spot=pool.spot,
            labels=pool.labels,
            resource_labels=self._site.labels,
            taints=[
                container.NodePoolNodeConfigTaintArgs(key=key, value=value, effect=effect)
                for key, value, effect in pool.taints
            ],
            guest_accelerators=_accelerators(pool),
            metadata={"disable-legacy-endpoints": "true"},
            kubelet_config=container.NodePoolNodeConfigKubeletConfigArgs(
                insecure_kubelet_readonly_port_enabled="FALSE", pod_pids_limit=4096
            ),
            shielded_instance_config=container.NodePoolNodeConfigShieldedInstanceConfigArgs(
                enable_secure_boot=True, enable_integrity_monitoring=True
            ),
            workload_metadata_config=container.NodePoolNodeConfigWorkloadMetadataConfigArgs(mode="GKE_METADATA"),
        )


def _accelerators(pool: Pool) -> Sequence[container.NodePoolNodeConfigGuestAcceleratorArgs]:
    if pool.accelerator is None:
        return []
    kind, count = pool.accelerator
    return [
        container.NodePoolNodeConfigGuestAcceleratorArgs(
            type=kind,
            count=count,
            gpu_driver_installation_config=(
                container.NodePoolNodeConfigGuestAcceleratorGpuDriverInstallationConfigArgs(
                    gpu_driver_version="DEFAULT"
                )
            ),
        )
    ]
