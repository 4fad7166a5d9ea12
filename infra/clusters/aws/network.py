"""The VPC: subnets over the zones, ways out, private ways to AWS, and a log of who talked to whom."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from infra.clusters.aws.documents import allow, document, trust
from infra.clusters.aws.part import Part
from infra.clusters.aws.shape import Shape, Zone

_ANYWHERE = "0.0.0.0/0"
INTERFACE_ENDPOINTS = ("ecr.api", "ecr.dkr", "sts")
"""Services that nodes reach without the internet; S3 besides, by a gateway that costs nothing."""


class Network(Part):
    """Nodes have private addresses only. The database's subnets have no way out."""

    def __init__(self, shape: Shape, key: pulumi.Output[str], opts: pulumi.ResourceOptions | None = None) -> None:
        """`key`: ARN of the key that encrypts the flow log."""
        super().__init__("Network", "network", shape.scope, opts)
        self._shape = shape
        self.vpc = aws.ec2.Vpc(
            "vpc",
            cidr_block=shape.network,
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags=self.scope.tags(self.scope.name("network")),
            opts=self.own(),
        )
        # The group that things get which name none: closed in both directions.
        aws.ec2.DefaultSecurityGroup(
            "default", vpc_id=self.vpc.id, tags=self.scope.tags(self.scope.name("closed")), opts=self.own()
        )
        self.private = [self._subnet("private", zone, zone.private) for zone in shape.node_zones]
        self.data = [self._subnet("data", zone, zone.data) for zone in shape.zones]
        self.control = [self._subnet("control", zone, zone.control) for zone in shape.zones]
        self._ways = self._ways_out()
        self.s3 = self._endpoints()
        self._flow_log(key)
        self.register_outputs({"vpc": self.vpc.id})

    @property
    def ways(self) -> Sequence[pulumi.Resource]:
        """What must be there before a node can start: routes out."""
        return self._ways

    def _subnet(self, use: str, zone: Zone, cidr: str) -> aws.ec2.Subnet:
        roles = {"public": {"kubernetes.io/role/elb": "1"}, "private": {"kubernetes.io/role/internal-elb": "1"}}
        shared = {f"kubernetes.io/cluster/{self.scope.base}": "shared"} if use in roles else {}
        name = f"{use}-{zone.letter}"
        return aws.ec2.Subnet(
            name,
            vpc_id=self.vpc.id,
            availability_zone=zone.name,
            cidr_block=cidr,
            map_public_ip_on_launch=False,
            tags=self.scope.tags(self.scope.name(name), {**roles.get(use, {}), **shared}),
            opts=self.own(),
        )

    def _ways_out(self) -> list[pulumi.Resource]:
        gateway = aws.ec2.InternetGateway(
            "internet", vpc_id=self.vpc.id, tags=self.scope.tags(self.scope.name("internet")), opts=self.own()
        )
        table = self._table("public")
        route = aws.ec2.Route(
            "public",
            route_table_id=table.id,
            destination_cidr_block=_ANYWHERE,
            gateway_id=gateway.id,
            opts=self.own(),
        )
        nats = {}
        for zone in self._shape.node_zones:
            subnet = self._subnet("public", zone, zone.public)
            self._associate(f"public-{zone.letter}", subnet, table)
            if self._shape.nat_zone(zone) == zone:
                nats[zone] = self._nat(zone, subnet, route)
        self._tables = []
        ways: list[pulumi.Resource] = []
        for zone, subnet in zip(self._shape.node_zones, self.private, strict=True):
            name = f"private-{zone.letter}"
            own = self._table(name)
            self._tables.append(own)
            ways.append(
                aws.ec2.Route(
                    name,
                    route_table_id=own.id,
                    destination_cidr_block=_ANYWHERE,
                    nat_gateway_id=nats[self._shape.nat_zone(zone)].id,
                    opts=self.own(),
                )
            )
            ways.append(self._associate(name, subnet, own))
        return ways

    def _nat(self, zone: Zone, subnet: aws.ec2.Subnet, route: aws.ec2.Route) -> aws.ec2.NatGateway:
        name = f"nat-{zone.letter}"
        tags = self.scope.tags(self.scope.name(name))
        address = aws.ec2.Eip(name, domain="vpc", tags=tags, opts=self.own())
        return aws.ec2.NatGateway(
            name, allocation_id=address.allocation_id, subnet_id=subnet.id, tags=tags, opts=self.own(after=[route])
        )

    def _table(self, name: str) -> aws.ec2.RouteTable:
        return aws.ec2.RouteTable(
            name, vpc_id=self.vpc.id, tags=self.scope.tags(self.scope.name(name)), opts=self.own()
        )

    def _associate(self, name: str, subnet: aws.ec2.Subnet, table: aws.ec2.RouteTable) -> aws.ec2.RouteTableAssociation:
        return aws.ec2.RouteTableAssociation(name, subnet_id=subnet.id, route_table_id=table.id, opts=self.own())

    def _endpoints(self) -> aws.ec2.VpcEndpoint:
        service = f"{'cn.' if self.scope.partition == 'aws-cn' else ''}com.amazonaws.{self.scope.region}"
        s3 = aws.ec2.VpcEndpoint(
            "s3",
            vpc_id=self.vpc.id,
            service_name=f"com.amazonaws.{self.scope.region}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=[table.id for table in self._tables],
            tags=self.scope.tags(self.scope.name("s3")),
            opts=self.own(),
        )
        group = self.group("endpoints", "Private ways to AWS: from inside the VPC by TLS")
        aws.vpc.SecurityGroupIngressRule(
            "endpoints",
            security_group_id=group.id,
            description="TLS from inside the VPC",
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            cidr_ipv4=self._shape.network,
            tags=self.scope.tags(self.scope.name("endpoints-in")),
            opts=self.own(),
        )
        for name in INTERFACE_ENDPOINTS:
            aws.ec2.VpcEndpoint(
                name,
                vpc_id=self.vpc.id,
                service_name=f"{service}.{name}",
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                # As many zones as there are ways out; each costs by the hour.
                subnet_ids=[subnet.id for subnet in self.private[: self._shape.nats]],
                security_group_ids=[group.id],
                tags=self.scope.tags(self.scope.name(name)),
                opts=self.own(),
            )
        return s3

    def group(self, name: str, description: str) -> aws.ec2.SecurityGroup:
        """A security group without rules: nothing in, nothing out."""
        return aws.ec2.SecurityGroup(
            name,
            name=self.scope.name(name),
            description=description,
            vpc_id=self.vpc.id,
            tags=self.scope.tags(self.scope.name(name)),
            opts=self.own(),
        )

    def _flow_log(self, key: pulumi.Output[str]) -> None:
        name = self.scope.name("flow-log")
        logs = aws.cloudwatch.LogGroup(
            "flow-log",
            name=f"/mlp/{self.scope.base}/flow-log",
            retention_in_days=self._shape.log_days,
            kms_key_id=key,
            tags=self.scope.tags(name),
            opts=self.own(),
        )
        ours = {"StringEquals": {"aws:SourceAccount": self.scope.account}}
        role = aws.iam.Role(
            "flow-log",
            name=self.scope.role_name("flow-log"),
            description="Writes the flow log",
            assume_role_policy=document(trust("vpc-flow-logs.amazonaws.com", ours)),
            tags=self.scope.tags(self.scope.role_name("flow-log")),
            opts=self.own(),
        )
        written = aws.iam.RolePolicy(
            "flow-log",
            name="write",
            role=role.name,
            policy=logs.arn.apply(
                lambda arn: document(
                    allow(
                        "Write",
                        ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                        [arn, f"{arn}:log-stream:*"],
                    )
                )
            ),
            opts=self.own(),
        )
        aws.ec2.FlowLog(
            "flow-log",
            vpc_id=self.vpc.id,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=logs.arn,
            iam_role_arn=role.arn,
            max_aggregation_interval=600,
            tags=self.scope.tags(name),
            opts=self.own(after=[written]),
        )
