"""What AWS would answer: for plans without credentials or a network. Values are alike in form, not in content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from infra.clusters.aws.scope import Scope
from infra.clusters.aws.shape import scope
from infra.profile.model import Profile

_ARNS: Mapping[str, tuple[str, str]] = {
    "aws:acm/certificate:Certificate": ("acm", "certificate/{id}"),
    "aws:cloudwatch/eventRule:EventRule": ("events", "rule/{name}"),
    "aws:cloudwatch/logGroup:LogGroup": ("logs", "log-group:{name}"),
    "aws:ecr/repository:Repository": ("ecr", "repository/{name}"),
    "aws:efs/fileSystem:FileSystem": ("elasticfilesystem", "file-system/{id}"),
    "aws:eks/cluster:Cluster": ("eks", "cluster/{name}"),
    "aws:kms/key:Key": ("kms", "key/{id}"),
    "aws:rds/instance:Instance": ("rds", "db:{identifier}"),
    "aws:sqs/queue:Queue": ("sqs", "{name}"),
}
"""Regional types whose ARN the program uses: service, and the rest of the ARN."""

_IAM: Mapping[str, str] = {
    "aws:iam/instanceProfile:InstanceProfile": "instance-profile/{name}",
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": "oidc-provider/{issuer}",
    "aws:iam/policy:Policy": "policy/{name}",
    "aws:iam/role:Role": "role/{name}",
}

_PREFIXES: Mapping[str, str] = {
    "aws:ec2/eip:Eip": "eipalloc",
    "aws:ec2/internetGateway:InternetGateway": "igw",
    "aws:ec2/launchTemplate:LaunchTemplate": "lt",
    "aws:ec2/natGateway:NatGateway": "nat",
    "aws:ec2/routeTable:RouteTable": "rtb",
    "aws:ec2/securityGroup:SecurityGroup": "sg",
    "aws:ec2/subnet:Subnet": "subnet",
    "aws:ec2/vpc:Vpc": "vpc",
    "aws:ec2/vpcEndpoint:VpcEndpoint": "vpce",
    "aws:efs/fileSystem:FileSystem": "fs",
}
"""Of ids, by type."""

_S3_RANGES = ("3.5.134.0/23", "52.219.46.0/23")
_NAME_SERVERS = ("ns-1.awsdns-01.com", "ns-2.awsdns-02.net")
_NAMED = ("bucket", "identifier", "name")
"""Properties that are the id where a type has no prefix."""


@dataclass(frozen=True)
class AwsAnswers:
    """Made up, but the same for the same installation."""

    scope: Scope

    def resource(self, kind: str, name: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """The id and the outputs that the programs use."""
        identity = self._identity(kind, name, inputs)
        issuer = f"oidc.eks.{self.scope.region}.{self.scope.dns_suffix}/id/{self._digest('oidc', 32).upper()}"
        known = {"id": identity, "issuer": issuer, **{key: inputs.get(key, "") for key in _NAMED}}
        found: dict[str, Any] = {"id": identity}
        if kind in _ARNS:
            service, rest = _ARNS[kind]
            found["arn"] = self.scope.arn(service, rest.format(**known))
        elif kind in _IAM:
            found["arn"] = self.scope.arn("iam", _IAM[kind].format(**known), regional=False)
        return found | self._more(kind, name, inputs, identity, issuer)

    def _identity(self, kind: str, name: str, inputs: Mapping[str, Any]) -> str:
        if kind in _PREFIXES:
            return f"{_PREFIXES[kind]}-{self._digest(f'{kind}/{name}', 17)}"
        if kind in ("aws:kms/key:Key", "aws:acm/certificate:Certificate"):
            digest = self._digest(f"{kind}/{name}", 32)
            return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:]))
        if kind == "aws:route53/zone:Zone":
            return "Z" + self._digest(name, 20).upper()
        return str(next((inputs[key] for key in _NAMED if inputs.get(key)), name))

    def _more(self, kind: str, name: str, inputs: Mapping[str, Any], identity: str, issuer: str) -> dict[str, Any]:
        makers: Mapping[str, Callable[[], dict[str, Any]]] = {
            "aws:kms/key:Key": lambda: {"keyId": identity},
            "aws:ec2/eip:Eip": lambda: {"allocationId": identity},
            "aws:ec2/launchTemplate:LaunchTemplate": lambda: {"latestVersion": 1},
            "aws:ec2/vpcEndpoint:VpcEndpoint": lambda: {"cidrBlocks": list(_S3_RANGES)},
            "aws:s3/bucket:Bucket": lambda: {"arn": f"arn:{self.scope.partition}:s3:::{identity}"},
            "aws:eks/cluster:Cluster": lambda: self._cluster(inputs, issuer),
            "aws:rds/instance:Instance": lambda: self._database(identity),
            "aws:sqs/queue:Queue": lambda: {"url": self._queue(identity)},
            "aws:route53/zone:Zone": lambda: {"zoneId": identity, "nameServers": list(_NAME_SERVERS)},
            "aws:acm/certificate:Certificate": lambda: self._certificate(
                str(inputs.get("domainName", name)), *inputs.get("subjectAlternativeNames", [])
            ),
        }
        return makers[kind]() if kind in makers else {}

    def _cluster(self, inputs: Mapping[str, Any], issuer: str) -> dict[str, Any]:
        host = f"{self._digest('api', 32).upper()}.gr7.{self.scope.region}.eks.{self.scope.dns_suffix}"
        group = f"sg-{self._digest('cluster', 17)}"
        return {
            "endpoint": f"https://{host}",
            "certificateAuthority": {"data": "Tk9UIEEgQ0VSVElGSUNBVEU="},
            "identities": [{"oidcs": [{"issuer": f"https://{issuer}"}]}],
            "vpcConfig": {**inputs.get("vpcConfig", {}), "clusterSecurityGroupId": group},
        }

    def _database(self, identity: str) -> dict[str, Any]:
        secret = self.scope.arn("secretsmanager", f"secret:rds!db-{self._digest('secret', 32)}-AbCdEf")
        host = f"{identity}.{self._digest('rds', 12)}.{self.scope.region}.rds.{self.scope.dns_suffix}"
        return {"address": host, "masterUserSecrets": [{"secretArn": secret, "secretStatus": "active"}]}

    def _queue(self, identity: str) -> str:
        return f"https://sqs.{self.scope.region}.{self.scope.dns_suffix}/{self.scope.account}/{identity}"

    def _certificate(self, *domains: str) -> dict[str, Any]:
        proofs = []
        for domain in domains:
            digest = self._digest(domain, 32)
            proofs.append(
                {
                    "domainName": domain,
                    "resourceRecordName": f"_{digest}.{domain.removeprefix('*.')}.",
                    "resourceRecordType": "CNAME",
                    "resourceRecordValue": f"_{digest[::-1]}.acm-validations.aws.",
                }
            )
        return {"domainValidationOptions": proofs}

    def call(self, token: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Raises LookupError for functions that the programs do not call."""
        match token:
            case "aws:secretsmanager/getSecretVersion:getSecretVersion":
                made_up = {"username": "mlp", "password": self._digest("password", 32)}
                return {**arguments, "id": str(arguments.get("secretId", "")), "secretString": json.dumps(made_up)}
            case "aws:route53/getZone:getZone":
                zone = "Z" + self._digest("zone", 20).upper()
                return {**arguments, "zoneId": zone, "nameServers": list(_NAME_SERVERS)}
            case "aws:lb/getHostedZoneId:getHostedZoneId":
                return {**arguments, "id": "Z" + self._digest("balancers", 13).upper()}
        raise LookupError(f"the program calls {token}, for which there is no answer offline")

    def _digest(self, text: str, length: int) -> str:
        return hashlib.sha256(f"{self.scope.cluster_arn}/{text}".encode()).hexdigest()[:length]


def answers(profile: Profile) -> AwsAnswers:
    """Raises ValueError for a profile of another target."""
    return AwsAnswers(scope(profile))
