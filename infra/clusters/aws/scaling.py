"""What Karpenter needs of AWS: its role, a role for the nodes it makes, and news of machines that AWS takes back."""

from __future__ import annotations

import json

import pulumi
import pulumi_aws as aws

from components.autoscaling.names import NAME
from components.managed import ScaledPool
from components.names import component_namespace
from infra.clusters.aws import permissions
from infra.clusters.aws.documents import document, only_tls_to_queue, sent_by
from infra.clusters.aws.identity import Identities, PodRole
from infra.clusters.aws.kubernetes import Cluster, node_role
from infra.clusters.aws.part import Part
from infra.clusters.aws.shape import Shape

_NEWS = (
    "AWS Health Event",
    "EC2 Instance Rebalance Recommendation",
    "EC2 Instance State-change Notification",
    "EC2 Spot Instance Interruption Warning",
)
_KEPT_SECONDS = 300
"""News of machines that are gone by then help nobody."""


class Scaling(Part):
    """Nodes on demand may join the cluster as others do. The component `autoscaling` makes them."""

    def __init__(
        self,
        shape: Shape,
        cluster: Cluster,
        identities: Identities,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("Scaling", "scaling", shape.scope, opts)
        self._shape = shape
        self._cluster = cluster
        self._node, _ = node_role(self, "scaled-node", "Nodes on demand: join the cluster and pull images")
        self.profile = aws.iam.InstanceProfile(
            "scaled-node",
            name=self.scope.name("scaled-node"),
            role=self._node.name,
            tags=self.scope.tags(self.scope.name("scaled-node")),
            opts=self.own(),
        )
        aws.eks.AccessEntry(
            "scaled-node",
            cluster_name=cluster.eks.name,
            principal_arn=self._node.arn,
            type="EC2_LINUX",
            tags=self.scope.tags(self.scope.name("scaled-node")),
            opts=self.own(),
        )
        self.queue = self._news()
        self._controller(identities)
        self.register_outputs({"queue": self.queue.name})

    def _news(self) -> aws.sqs.Queue:
        name = self.scope.name("node-events")
        queue = aws.sqs.Queue(
            "node-events",
            name=name,
            message_retention_seconds=_KEPT_SECONDS,
            sqs_managed_sse_enabled=True,
            tags=self.scope.tags(name),
            opts=self.own(),
        )
        rule = aws.cloudwatch.EventRule(
            "node-events",
            name=name,
            description="Machines that AWS takes back, stops or repairs",
            event_pattern=json.dumps({"source": ["aws.ec2", "aws.health"], "detail-type": _NEWS}, sort_keys=True),
            tags=self.scope.tags(name),
            opts=self.own(),
        )
        policy = aws.sqs.QueuePolicy(
            "node-events",
            queue_url=queue.url,
            policy=pulumi.Output.all(queue.arn, rule.arn).apply(
                lambda found: document(sent_by("events.amazonaws.com", found[1], found[0]), only_tls_to_queue(found[0]))
            ),
            opts=self.own(),
        )
        aws.cloudwatch.EventTarget(
            "node-events", rule=rule.name, target_id="karpenter", arn=queue.arn, opts=self.own(after=[policy])
        )
        return queue

    def _controller(self, identities: Identities) -> None:
        scope = self.scope
        spot = any(pool.spot and pool.on_demand for pool in self._shape.pools)
        identities.give(
            PodRole(NAME, component_namespace(NAME), NAME, "Makes nodes that pods wait for, and removes idle ones"),
            pulumi.Output.all(self._node.arn, self.queue.arn).apply(
                lambda found: document(*permissions.scaling(scope, found[0], found[1], spot=spot))
            ),
        )


def scaled_pools(shape: Shape) -> tuple[ScaledPool, ...]:
    """The pools that grow beyond the nodes that are always there."""
    return tuple(
        ScaledPool(
            name=pool.name,
            purpose=pool.purpose,
            machine=pool.machine,
            cpus=pool.cpus,
            most=pool.on_demand,
            spot=pool.spot,
            disk_gib=pool.disk_gib,
            labels=dict(pool.labels),
            taints={taint.key: taint.value for taint in pool.taints},
        )
        for pool in shape.pools
        if pool.on_demand
    )
