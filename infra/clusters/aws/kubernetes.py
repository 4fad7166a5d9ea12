"""EKS: the control plane, its addons, who administers it, and its groups of nodes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.clusters.aws.documents import document, trust
from infra.clusters.aws.network import Network
from infra.clusters.aws.part import Part
from infra.clusters.aws.shape import Pool, Shape

_NODE_POLICIES = ("AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly")
_LOGS = ("api", "audit", "authenticator", "controllerManager", "scheduler")


class Cluster(Part):
    """The API server with everything that must be there before the first node."""

    def __init__(
        self, shape: Shape, network: Network, key: pulumi.Output[str], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """`key`: ARN of the key that encrypts Secrets and logs."""
        super().__init__("Cluster", "cluster", shape.scope, opts)
        self._shape = shape
        self.eks = self._cluster(network, key)
        self._open_to_peers()
        for principal in shape.administrators:
            self._administrator(principal)
        self.agent = self.addon("eks-pod-identity-agent") if shape.identity == "pod-identity" else None
        self.register_outputs({"name": self.eks.name})

    def _cluster(self, network: Network, key: pulumi.Output[str]) -> aws.eks.Cluster:
        shape, scope = self._shape, self.scope
        name = scope.role_name("cluster")
        role = aws.iam.Role(
            "cluster",
            name=name,
            description="The EKS control plane",
            assume_role_policy=document(
                trust("eks.amazonaws.com", {"ArnEquals": {"aws:SourceArn": scope.cluster_arn}})
            ),
            tags=scope.tags(name),
            opts=self.own(),
        )
        rights = aws.iam.RolePolicyAttachment(
            "cluster", role=role.name, policy_arn=scope.aws_policy("AmazonEKSClusterPolicy"), opts=self.own()
        )
        logs = aws.cloudwatch.LogGroup(
            "cluster",
            name=f"/aws/eks/{scope.base}/cluster",
            retention_in_days=shape.log_days,
            kms_key_id=key,
            tags=scope.tags(scope.name("cluster-log")),
            opts=self.own(),
        )
        return aws.eks.Cluster(
            "cluster",
            name=scope.base,
            role_arn=role.arn,
            version=shape.kubernetes_version,
            deletion_protection=scope.protected,
            # The network and DNS come as addons that are looked after.
            bootstrap_self_managed_addons=False,
            access_config={"authentication_mode": "API", "bootstrap_cluster_creator_admin_permissions": True},
            enabled_cluster_log_types=list(_LOGS),
            encryption_config={"provider": {"key_arn": key}, "resources": ["secrets"]},
            kubernetes_network_config={"service_ipv4_cidr": shape.services, "ip_family": "ipv4"},
            upgrade_policy={"support_type": "STANDARD"},
            vpc_config={
                "subnet_ids": [subnet.id for subnet in network.control],
                "endpoint_private_access": True,
                "endpoint_public_access": shape.public_endpoint,
                "public_access_cidrs": list(shape.open_to) if shape.public_endpoint else None,
            },
            tags=scope.tags(scope.base),
            # Without its rights the control plane can't clean up behind itself, so they go after it.
            opts=self.own(after=[rights, logs]),
        )

    @property
    def node_group(self) -> pulumi.Output[str]:
        """The security group that EKS makes for the API server and the nodes."""
        found: pulumi.Output[str] = self.eks.vpc_config.apply(lambda given: str(given.cluster_security_group_id))
        return found

    def _open_to_peers(self) -> None:
        for cidr in self._shape.peers:
            aws.vpc.SecurityGroupIngressRule(
                f"peer-{cidr.replace('/', '-')}",
                security_group_id=self.node_group,
                description="API server from a network of the profile",
                ip_protocol="tcp",
                from_port=443,
                to_port=443,
                cidr_ipv4=cidr,
                tags=self.scope.tags(self.scope.name("peer")),
                opts=self.own(),
            )

    def _administrator(self, principal: str) -> None:
        name = principal.partition(":iam::")[2].replace(":", "-").replace("/", "-")
        entry = aws.eks.AccessEntry(
            name,
            cluster_name=self.eks.name,
            principal_arn=principal,
            type="STANDARD",
            tags=self.scope.tags(self.scope.name("administrator")),
            opts=self.own(),
        )
        aws.eks.AccessPolicyAssociation(
            name,
            cluster_name=self.eks.name,
            principal_arn=entry.principal_arn,
            policy_arn=f"arn:{self.scope.partition}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
            access_scope={"type": "cluster"},
            opts=self.own(),
        )

    def addon(
        self,
        name: str,
        settings: dict[str, Any] | None = None,
        role: tuple[str, aws.iam.Role] | None = None,
        after: Sequence[pulumi.Resource] = (),
    ) -> aws.eks.Addon:
        """An addon at the version that EKS has as default. `role`: its service account and the role for it."""
        given: dict[str, Any] = {}
        if role and self._shape.identity == "irsa":
            given["service_account_role_arn"] = role[1].arn
        elif role:
            given["pod_identity_associations"] = [{"service_account": role[0], "role_arn": role[1].arn}]
        return aws.eks.Addon(
            name,
            cluster_name=self.eks.name,
            addon_name=name,
            configuration_values=json.dumps(settings, sort_keys=True) if settings else None,
            resolve_conflicts_on_create="OVERWRITE",
            resolve_conflicts_on_update="OVERWRITE",
            tags=self.scope.tags(self.scope.name(name)),
            opts=self.own(after=after),
            **given,
        )

    @property
    def authority(self) -> pulumi.Output[str]:
        """The API server's authority as in a kubeconfig: PEM in base64."""
        found: pulumi.Output[str] = self.eks.certificate_authority.apply(lambda given: str(given.data))
        return found


class Nodes(Part):
    """Managed node groups: the nodes that are always there. Their machines have encrypted disks and keep pods away from
    the metadata service."""

    def __init__(
        self,
        shape: Shape,
        network: Network,
        cluster: Cluster,
        after: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("Nodes", "nodes", shape.scope, opts)
        self._subnets = [subnet.id for subnet in network.private]
        self._cluster = cluster
        self._role, rights = node_role(self, "node", "Nodes: join the cluster and pull images")
        self._after = [*after, *network.ways, *rights]
        self.groups = [self._group(pool) for pool in shape.pools if pool.minimum]
        self.register_outputs({})

    def _group(self, pool: Pool) -> aws.eks.NodeGroup:
        template = self._template(pool)
        # What can't change in place is in the name, so that the new group is there before the old one goes.
        fixed = hashlib.sha256(f"{pool.image}/{pool.spot}".encode()).hexdigest()[:6]
        name = self.scope.name(f"{pool.name}-{fixed}")
        return aws.eks.NodeGroup(
            pool.name,
            node_group_name=name,
            cluster_name=self._cluster.eks.name,
            node_role_arn=self._role.arn,
            subnet_ids=self._subnets,
            ami_type=pool.image,
            capacity_type="SPOT" if pool.spot else "ON_DEMAND",
            # Those beyond come on demand; see Scaling.
            scaling_config={"min_size": pool.minimum, "max_size": pool.minimum, "desired_size": pool.minimum},
            update_config={"max_unavailable_percentage": 33},
            node_repair_config={"enabled": True},
            labels=dict(pool.labels),
            taints=[{"key": each.key, "value": each.value, "effect": each.effect} for each in pool.taints],
            launch_template={"id": template.id, "version": template.latest_version.apply(str)},
            tags=self.scope.tags(name),
            opts=self.own(after=self._after),
        )

    def _template(self, pool: Pool) -> aws.ec2.LaunchTemplate:
        name = self.scope.name(pool.name)
        disk = {"encrypted": "true", "volume_type": "gp3", "delete_on_termination": "true"}
        tags = self.scope.tags(name)
        return aws.ec2.LaunchTemplate(
            pool.name,
            name=name,
            update_default_version=True,
            instance_type=pool.machine,
            metadata_options={
                "http_endpoint": "enabled",
                "http_tokens": "required",
                "http_put_response_hop_limit": 1,
            },
            # Bottlerocket's system, and its disk for images and containers.
            block_device_mappings=[
                {"device_name": "/dev/xvda", "ebs": {**disk, "volume_size": 4}},
                {"device_name": "/dev/xvdb", "ebs": {**disk, "volume_size": pool.disk_gib}},
            ],
            tag_specifications=[
                {"resource_type": kind, "tags": tags} for kind in ("instance", "volume", "network-interface")
            ],
            tags=self.scope.tags(name),
            opts=self.own(),
        )


def node_role(part: Part, name: str, description: str) -> tuple[aws.iam.Role, list[pulumi.Resource]]:
    """A role `…-node` or such, and what gives it its rights."""
    full = part.scope.role_name(name)
    role = aws.iam.Role(
        name,
        name=full,
        description=description,
        assume_role_policy=document(trust(f"ec2.{part.scope.dns_suffix}")),
        tags=part.scope.tags(full),
        opts=part.own(),
    )
    rights: list[pulumi.Resource] = [
        aws.iam.RolePolicyAttachment(
            f"{name.removesuffix('node')}{policy}",
            role=role.name,
            policy_arn=part.scope.aws_policy(policy),
            opts=part.own(),
        )
        for policy in _NODE_POLICIES
    ]
    return role, rights
