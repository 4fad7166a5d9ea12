"""EC2, Route 53 and ACM. Data: what the provider calls, type by type."""

from __future__ import annotations

from collections.abc import Mapping

from infra.clusters.aws.grants.model import PASS, Grant, ec2, read

NETWORK: Mapping[str, tuple[Grant, ...]] = {
    "aws:acm/certificate:Certificate": (
        Grant(("acm:AddTagsToCertificate", "acm:RequestCertificate"), ("*",), "new"),
        Grant(
            (
                "acm:AddTagsToCertificate",
                "acm:DeleteCertificate",
                "acm:DescribeCertificate",
                "acm:ListTagsForCertificate",
                "acm:RemoveTagsFromCertificate",
                "acm:UpdateCertificateOptions",
            ),
            ("acm:certificate/*",),
            "ours",
        ),
    ),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": (
        # The VPC's own group bears no tag before we close and tag it.
        Grant(
            ("ec2:CreateTags", "ec2:RevokeSecurityGroupEgress", "ec2:RevokeSecurityGroupIngress"),
            ("ec2:security-group/*",),
        ),
        read("ec2:DescribeSecurityGroups"),
    ),
    "aws:ec2/eip:Eip": (
        *ec2("AllocateAddress", kind="elastic-ip", own=("DisassociateAddress", "ReleaseAddress")),
        read("ec2:DescribeAddresses", "ec2:DescribeAddressesAttribute"),
    ),
    "aws:ec2/flowLog:FlowLog": (
        *ec2("CreateFlowLogs", kind="vpc-flow-log", within=("vpc",), own=("DeleteFlowLogs",)),
        read("ec2:DescribeFlowLogs", "logs:CreateLogDelivery", "logs:DeleteLogDelivery"),
        PASS,
    ),
    "aws:ec2/internetGateway:InternetGateway": (
        *ec2("CreateInternetGateway", kind="internet-gateway", own=("DeleteInternetGateway",)),
        Grant(
            ("ec2:AttachInternetGateway", "ec2:DetachInternetGateway"), ("ec2:internet-gateway/*", "ec2:vpc/*"), "ours"
        ),
        read("ec2:DescribeInternetGateways"),
    ),
    "aws:ec2/launchTemplate:LaunchTemplate": (
        *ec2(
            "CreateLaunchTemplate",
            kind="launch-template",
            own=("CreateLaunchTemplateVersion", "DeleteLaunchTemplate", "ModifyLaunchTemplate"),
        ),
        read("ec2:DescribeLaunchTemplateVersions", "ec2:DescribeLaunchTemplates"),
        # EKS tries with our rights whether machines can be started from the template.
        Grant(("ec2:RunInstances",), ("*",), "templates"),
    ),
    "aws:ec2/natGateway:NatGateway": (
        *ec2("CreateNatGateway", kind="natgateway", within=("elastic-ip", "subnet"), own=("DeleteNatGateway",)),
        read("ec2:DescribeNatGateways"),
    ),
    "aws:ec2/route:Route": (
        Grant(("ec2:CreateRoute", "ec2:DeleteRoute", "ec2:ReplaceRoute"), ("ec2:route-table/*",), "ours"),
        read("ec2:DescribeRouteTables"),
    ),
    "aws:ec2/routeTable:RouteTable": (
        *ec2("CreateRouteTable", kind="route-table", within=("vpc",), own=("DeleteRouteTable",)),
        read("ec2:DescribeRouteTables"),
    ),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": (
        Grant(
            ("ec2:AssociateRouteTable", "ec2:DisassociateRouteTable", "ec2:ReplaceRouteTableAssociation"),
            ("ec2:route-table/*", "ec2:subnet/*"),
            "ours",
        ),
    ),
    "aws:ec2/securityGroup:SecurityGroup": (
        *ec2(
            "CreateSecurityGroup",
            kind="security-group",
            within=("vpc",),
            own=("DeleteSecurityGroup", "RevokeSecurityGroupEgress"),
        ),
        read("ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups"),
    ),
    "aws:ec2/subnet:Subnet": (
        *ec2("CreateSubnet", kind="subnet", within=("vpc",), own=("DeleteSubnet", "ModifySubnetAttribute")),
        read("ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"),
    ),
    "aws:ec2/vpc:Vpc": (
        *ec2("CreateVpc", kind="vpc", own=("DeleteVpc", "DescribeVpcAttribute", "ModifyVpcAttribute")),
        read("ec2:DescribeNetworkAcls", "ec2:DescribeRouteTables", "ec2:DescribeVpcs"),
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": (
        *ec2(
            "CreateVpcEndpoint",
            kind="vpc-endpoint",
            within=("route-table", "security-group", "subnet", "vpc"),
            own=("DeleteVpcEndpoints", "ModifyVpcEndpoint"),
        ),
        read("ec2:DescribePrefixLists", "ec2:DescribeVpcEndpointServices", "ec2:DescribeVpcEndpoints"),
        Grant(("route53:AssociateVPCWithHostedZone",), ("route53:hostedzone/*",)),
    ),
    "aws:route53/record:Record": (
        Grant(("route53:ChangeResourceRecordSets",), ("route53:hostedzone/*",), "names"),
        Grant(("route53:ListResourceRecordSets",), ("route53:hostedzone/*",)),
        Grant(("route53:GetChange",), ("route53:change/*",)),
    ),
    "aws:route53/zone:Zone": (
        Grant(
            (
                "route53:ChangeTagsForResource",
                "route53:DeleteHostedZone",
                "route53:GetDNSSEC",
                "route53:GetHostedZone",
                "route53:ListTagsForResource",
                "route53:UpdateHostedZoneComment",
            ),
            ("route53:hostedzone/*",),
        ),
        Grant(("route53:GetChange",), ("route53:change/*",)),
        read("route53:CreateHostedZone", "route53:ListHostedZones", "route53:ListHostedZonesByName"),
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": (
        Grant(("ec2:AuthorizeSecurityGroupIngress",), ("ec2:security-group-rule/*",), "new"),
        Grant(
            ("ec2:AuthorizeSecurityGroupIngress", "ec2:ModifySecurityGroupRules", "ec2:RevokeSecurityGroupIngress"),
            ("ec2:security-group/*",),
            "ours",
        ),
        Grant(("ec2:ModifySecurityGroupRules",), ("ec2:security-group-rule/*",), "ours"),
        Grant(
            ("ec2:AuthorizeSecurityGroupIngress", "ec2:ModifySecurityGroupRules", "ec2:RevokeSecurityGroupIngress"),
            ("ec2:security-group/*",),
            "cluster-group",
        ),
        read("ec2:DescribeSecurityGroupRules"),
    ),
}
