"""The stack `address`: the domain's apex leads to the gateway's load balancer, which the cluster made meanwhile."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.clusters.aws.cloud import provider
from infra.clusters.aws.scope import TAG, Scope
from infra.clusters.aws.shape import scope, section
from infra.profile.model import Profile
from infra.profile.notebooks import names_below


@dataclass(frozen=True)
class AwsAddress:
    """An alias, since an apex can't be a CNAME."""

    scope: Scope
    domain: str
    target: str
    """The load balancer's host name."""
    notebooks: tuple[str, ...] = ()
    """Wildcard names that lead there as well."""

    def __call__(self) -> None:
        cloud = provider(self.scope)
        asked = pulumi.InvokeOptions(provider=cloud)
        zone = aws.route53.get_zone_output(name=self.domain, tags={TAG: self.scope.installation}, opts=asked)
        balancers = aws.lb.get_hosted_zone_id_output(load_balancer_type="network", region=self.scope.region, opts=asked)
        for name, domain in (("gateway", self.domain), *(("notebooks", each) for each in self.notebooks)):
            aws.route53.Record(
                name,
                zone_id=zone.zone_id,
                name=domain,
                type="A",
                aliases=[{"name": self.target, "zone_id": balancers.id, "evaluate_target_health": False}],
                opts=pulumi.ResourceOptions(provider=cloud),
            )
        pulumi.export("nameServers", zone.name_servers)


def program(profile: Profile, target: str) -> AwsAddress:
    """`target`: the host name of the gateway's load balancer. Raises ValueError for a profile of another target."""
    domain = section(profile).domain or ""
    return AwsAddress(scope(profile), domain, target, names_below(profile, domain) if domain else ())
