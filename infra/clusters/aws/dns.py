"""Route 53: the zone of the platform's domain, and a certificate for it."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from infra.clusters.aws.part import Part
from infra.clusters.aws.shape import Shape


class Domain(Part):
    """Nothing waits for the certificate: ACM issues it when the parent domain delegates to the zone's name servers,
    which only people can do. Until then EKS tries again to give the load balancer its certificate."""

    def __init__(self, shape: Shape, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Domain", "domain", shape.scope, opts)
        self.zone = aws.route53.Zone(
            "zone",
            name=shape.domain,
            comment=f"Platform {self.scope.base}",
            force_destroy=False,
            tags=self.scope.tags(shape.domain),
            opts=self.own(),
        )
        self.certificate = aws.acm.Certificate(
            "certificate",
            domain_name=shape.domain,
            subject_alternative_names=list(shape.notebooks),
            validation_method="DNS",
            key_algorithm="EC_prime256v1",
            options={"certificate_transparency_logging_preference": "ENABLED"},
            tags=self.scope.tags(shape.domain),
            opts=self.own(),
        )
        self._proof("validation", shape.domain)
        for number, name in enumerate(shape.notebooks):
            self._proof(f"validation-notebooks-{number}" if number else "validation-notebooks", name)
        self.register_outputs({"nameServers": self.zone.name_servers})

    def _proof(self, name: str, domain: str) -> None:
        """The record by which ACM sees that the name is ours."""
        options = self.certificate.domain_validation_options
        proof = options.apply(lambda found: next(one for one in found if one.domain_name == domain))
        aws.route53.Record(
            name,
            zone_id=self.zone.zone_id,
            name=proof.apply(lambda one: one.resource_record_name),
            type=proof.apply(lambda one: one.resource_record_type),
            records=[proof.apply(lambda one: one.resource_record_value)],
            ttl=300,
            allow_overwrite=True,
            opts=self.own(),
        )
