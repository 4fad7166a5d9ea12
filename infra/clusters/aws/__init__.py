"""The cluster on AWS as a Pulumi program: EKS in a network of its own, with its data, registry, domain and roles."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pulumi

from components.control_plane.names import NAME as CONTROL_PLANE
from components.facts import Aws as AwsFacts
from components.facts import Network as NetworkFacts
from components.managed import Managed, ManagedDatabase
from components.managed import Scaling as ScalingFacts
from components.names import CONTROL_PLANE_SERVICE_ACCOUNT, SYSTEM_NAMESPACE, component_namespace
from components.tracking.objects import NAME as TRACKING
from infra.clusters.aws import permissions
from infra.clusters.aws.access import kubeconfig, load_balancer
from infra.clusters.aws.classes import DISKS, storage_classes
from infra.clusters.aws.cloud import provider
from infra.clusters.aws.data import ADMINISTRATOR, Bucket, Database, Files
from infra.clusters.aws.dns import Domain
from infra.clusters.aws.documents import document
from infra.clusters.aws.identity import Identities, PodRole, boundary
from infra.clusters.aws.keys import Keys
from infra.clusters.aws.kubernetes import Cluster, Nodes
from infra.clusters.aws.network import Network
from infra.clusters.aws.registry import Registry
from infra.clusters.aws.scaling import Scaling, scaled_pools
from infra.clusters.aws.scope import TAG
from infra.clusters.aws.shape import Shape, shape
from infra.clusters.outputs import exports
from infra.profile.model import Profile


@dataclass(frozen=True)
class AwsCluster:
    """The program of the stack `cluster`. Calling it declares the resources and exports ClusterOutputs."""

    shape: Shape
    database_authority: str = ""
    """PEM of the authorities that sign the database's certificate in this region. Where it is empty, connections are
    encrypted but nobody checks who answers; `infra.clouds.aws.authority` fetches it."""

    def told(self, database_authority: str, repositories: Collection[str]) -> AwsCluster:
        """The program with what the profile does not say: the authority, and repositories of given images."""
        known = tuple(sorted({*self.shape.repositories, *repositories}))
        return replace(self, shape=replace(self.shape, repositories=known), database_authority=database_authority)

    def __call__(self) -> None:
        plan = self.shape
        inside = pulumi.ResourceOptions(providers=[provider(plan.scope)])

        keys = Keys(plan.scope, inside)
        network = Network(plan, keys.cluster.arn, inside)
        cluster = Cluster(plan, network, keys.cluster.arn, inside)
        identities = Identities(plan, cluster.eks, cluster.agent, inside)
        first = self._network_addons(cluster, identities)
        nodes = Nodes(plan, network, cluster, first, inside)
        scaling = Scaling(plan, cluster, identities, inside)
        files = Files(plan, network, cluster.node_group, keys.data.arn, inside)
        self._addons(cluster, identities, keys, nodes, files)
        artifacts = Bucket(plan, "artifacts", keys.data.arn, inside)
        database = Database(plan, network, cluster.node_group, (keys.data.arn, keys.cluster.arn), inside)
        Registry(plan, keys.data.arn, inside)
        domain = Domain(plan, inside)
        bound = boundary(plan, keys.data.arn, keys)
        self._platform_roles(identities, keys, artifacts, bound)

        outputs = exports(
            self._kubeconfig(cluster),
            cluster.eks.endpoint,
            cluster.eks.version.apply(lambda version: f"v{version}"),
            self.network(),
            managed=pulumi.Output.all(
                cluster=cluster.eks.name,
                issuer=identities.issuer if plan.identity == "irsa" else "",
                boundary=bound,
                key=keys.data.arn,
                host=database.instance.address,
                bucket=artifacts.bucket.bucket,
                files=files.system.id,
                certificate=domain.certificate.arn,
                annotations=identities.annotations,
                storage=network.s3.cidr_blocks,
                endpoint=cluster.eks.endpoint,
                profile=scaling.profile.name,
                queue=scaling.queue.name,
                subnets=[subnet.id for subnet in network.private],
                group=cluster.node_group,
            ).apply(self.managed),
            database_password=database.password,
        )
        for key, value in outputs.items():
            pulumi.export(key, value)
        pulumi.export("nameServers", domain.zone.name_servers)

    def network(self) -> NetworkFacts:
        """Pods have addresses of the VPC, like nodes. The API server's change within its own subnets."""
        return NetworkFacts(
            pods=self.shape.network,
            services=self.shape.services,
            nodes=self.shape.network,
            api_server_endpoints=tuple(f"{zone.control}:443" for zone in self.shape.zones),
        )

    def _network_addons(self, cluster: Cluster, identities: Identities) -> list[pulumi.Resource]:
        """What nodes need to become ready."""
        pod = PodRole(
            "cni", "kube-system", "aws-node", "Gives pods their addresses", policies=("AmazonEKS_CNI_Policy",)
        )
        role = ("aws-node", identities.give(pod, bind=False))
        agent: list[pulumi.Resource] = [cluster.agent] if cluster.agent else []
        return [
            *agent,
            cluster.addon("kube-proxy"),
            cluster.addon("vpc-cni", {"enableNetworkPolicy": "true"}, role, after=agent),
        ]

    def _addons(self, cluster: Cluster, identities: Identities, keys: Keys, nodes: Nodes, files: Files) -> None:
        disks = PodRole(
            "disks",
            "kube-system",
            "ebs-csi-controller-sa",
            "Makes and attaches disks",
            policies=("service-role/AmazonEBSCSIDriverPolicy",),
        )
        key_use = keys.data.arn.apply(lambda key: document(*permissions.disks(key)))
        shares = PodRole(
            "files",
            "kube-system",
            "efs-csi-controller-sa",
            "Makes access points of the file system",
            policies=("service-role/AmazonEFSCSIDriverPolicy",),
        )
        running: list[pulumi.Resource] = list(nodes.groups)
        cluster.addon("coredns", after=running)
        cluster.addon("metrics-server", after=running)
        cluster.addon(
            "aws-ebs-csi-driver",
            {"controller": {"extraVolumeTags": {TAG: self.shape.scope.installation}}},
            (disks.service_account, identities.give(disks, key_use, bind=False)),
            after=running,
        )
        cluster.addon(
            "aws-efs-csi-driver",
            role=(shares.service_account, identities.give(shares, bind=False)),
            after=[*running, *files.targets],
        )

    def _platform_roles(self, identities: Identities, keys: Keys, artifacts: Bucket, bound: pulumi.Output[str]) -> None:
        """Of the platform's own pods that speak to AWS."""
        scope, binds = self.shape.scope, self.shape.identity == "pod-identity"
        identities.give(
            PodRole(TRACKING, component_namespace(TRACKING), TRACKING, "Keeps artifacts in their bucket"),
            pulumi.Output.all(artifacts.bucket.arn, keys.data.arn).apply(
                lambda found: document(*permissions.tracking(found[0], found[1]))
            ),
        )
        identities.give(
            PodRole(
                CONTROL_PLANE,
                SYSTEM_NAMESPACE,
                CONTROL_PLANE_SERVICE_ACCOUNT,
                "Makes roles and buckets of workspaces",
            ),
            bound.apply(lambda arn: document(*permissions.control_plane(scope, arn, binds=binds))),
        )

    def _kubeconfig(self, cluster: Cluster) -> pulumi.Output[str]:
        made = pulumi.Output.all(cluster.eks.endpoint, cluster.authority).apply(
            lambda found: kubeconfig(self.shape, found[0], found[1])
        )
        return pulumi.Output.secret(made)

    def managed(self, known: Mapping[str, Any]) -> Managed:
        """What the cloud gives in place of components. `known`: what only the resources know, by name."""
        plan, scope = self.shape, self.shape.scope
        return Managed(
            cloud=AwsFacts(
                account=scope.account,
                partition=scope.partition,
                region=scope.region,
                cluster=known["cluster"],
                identity=plan.identity,
                oidc_issuer=known["issuer"],
                permissions_boundary=known["boundary"],
                key=known["key"],
                storage_ranges=known["storage"],
            ),
            database=ManagedDatabase(
                host=known["host"],
                administrator=ADMINISTRATOR,
                addresses=plan.network,
                ca=self.database_authority,
                tls="verify-full" if self.database_authority else "require",
            ),
            artifacts=f"s3://{known['bucket']}",
            storage_class=DISKS,
            identities=known["annotations"],
            load_balancer=load_balancer(plan, known["certificate"]),
            storage_classes=storage_classes(scope, known["key"], known["files"]),
            sources=(*plan.open_to, *plan.peers),
            scaling=ScalingFacts(
                cluster=known["cluster"],
                endpoint=known["endpoint"],
                instance_profile=known["profile"],
                queue=known["queue"],
                subnets=known["subnets"],
                security_group=known["group"],
                tags=scope.tags(),
                pools=scaled_pools(plan),
            ),
        )


def program(profile: Profile) -> AwsCluster:
    """Raises ValueError for a profile of another target."""
    return AwsCluster(shape(profile))
