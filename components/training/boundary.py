"""The controllers write in workspaces only, whatever their rights in the cluster say. Pure."""

from __future__ import annotations

from components.isolation.policies.model import Match, Policy, Rule, quoted_list
from components.names import LABEL_TENANT
from components.training.names import CONTROLLERS, NAME, NAMESPACE
from components.training.rbac import TRAINER_GROUP

_ALL = ("CREATE", "UPDATE", "DELETE", "CONNECT")


def boundary() -> Policy:
    """A stolen token of a controller changes nothing outside of workspaces, and enters no pod anywhere."""
    accounts = quoted_list(f"system:serviceaccount:{NAMESPACE}:{name}" for name in CONTROLLERS)
    labels = "namespaceObject.metadata.labels"
    workspace = f"has({labels}) && '{LABEL_TENANT}' in {labels}"
    return Policy(
        name="mlp-training-controllers",
        component=NAME,
        matches=(Match("*", ("*/*",), _ALL, version="*"),),
        everywhere=True,
        conditions=(("a-training-controller", f"request.userInfo.username in {accounts}"),),
        rules=(
            Rule(
                "training-controllers",
                f"namespaceObject == null ? request.resource.group == '{TRAINER_GROUP}'"
                f" : ({workspace}) || request.namespace == '{NAMESPACE}'",
                "training's controllers write in workspaces only",
            ),
            Rule(
                "training-controllers",
                "request.operation != 'CONNECT'",
                "training's controllers do not enter pods",
            ),
        ),
    )
