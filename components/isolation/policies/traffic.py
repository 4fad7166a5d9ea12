"""How workspaces may be reached and what their own NetworkPolicies may say."""

from __future__ import annotations

from components.isolation.policies.model import (
    ADMIN,
    CONTROLLER,
    PLATFORM,
    Match,
    Policy,
    Rule,
    each,
)

_NOT_PLATFORM = (("not-the-platform", f"!({PLATFORM}) && !({CONTROLLER})"),)


def policies() -> tuple[Policy, ...]:
    """Services, their endpoints, and NetworkPolicies."""
    return (_services(), _endpoints(), _network_policies())


def _services() -> Policy:
    return Policy(
        name="mlp-services",
        matches=(Match("", ("services",)),),
        rules=(
            Rule(
                "services",
                "!has(object.spec.type) || object.spec.type == 'ClusterIP'",
                "only Services of type ClusterIP are allowed: people reach endpoints through the platform's gateway",
            ),
            Rule(
                "services",
                "!has(object.spec.externalIPs) || object.spec.externalIPs.size() == 0",
                "externalIPs are refused: they would take over addresses of others",
            ),
        ),
    )


def _endpoints() -> Policy:
    return Policy(
        name="mlp-endpoints",
        matches=(
            Match("", ("endpoints",)),
            Match("discovery.k8s.io", ("endpointslices",)),
        ),
        conditions=_NOT_PLATFORM,
        rules=(
            Rule(
                "endpoints",
                "false",
                "endpoints are written by the cluster only: give the Service a selector instead",
            ),
        ),
    )


def _network_policies() -> Policy:
    # Policies add up: the only peers that open nothing beyond what is open already are pods of the same namespace.
    own = "has(p.podSelector) && !has(p.namespaceSelector) && !has(p.ipBlock)"
    rules = []
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        listed = f"has(r.{peers}) && r.{peers}.size() > 0 && r.{peers}.all(p, {own})"
        rules.append(
            Rule(
                "network-policies",
                each(f"object.spec.{direction}", "r", listed),
                f"the {direction} rule is refused: your own NetworkPolicies name pods of this workspace only; {ADMIN}",
            )
        )
    return Policy(
        name="mlp-network-policies",
        matches=(Match("networking.k8s.io", ("networkpolicies",)),),
        conditions=_NOT_PLATFORM,
        rules=tuple(rules),
    )
