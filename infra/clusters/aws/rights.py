"""Resources → the policies that the installer needs, for the person who grants them. Pure.

No action is a pattern. Where IAM can tell ours from others', by name, path or tag, the policy does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.clusters.aws.grants import EVERYWHERE, LINKED_SERVICES, PASSED_TO, TYPES, Condition, Grant
from infra.clusters.aws.scope import TAG, Scope
from infra.clusters.aws.shape import scope, section
from infra.engine.declared import Declaration
from infra.profile.model import Profile

FILES: Mapping[str, tuple[str, ...]] = {
    "network": ("ec2",),
    "cluster": ("ecr", "eks", "events", "logs", "kms", "sqs"),
    "data": ("acm", "elasticfilesystem", "rds", "route53", "s3", "secretsmanager", "servicequotas"),
    "identity": ("iam",),
    "questions": (),
}
"""Part of the file's name → services whose actions it has: one policy would be longer than IAM allows. `questions`
has those of all services that name no resource, nearly all of which only read."""

ALL = frozenset(service for services in FILES.values() for service in services) | {
    "pricing",
    "tag",
}
"""Services that some grant names."""

MAX_CHARACTERS = 6144
"""Of a managed policy, white space not counted."""


def policy(declaration: Declaration, profile: Profile) -> dict[str, str]:
    """File name → JSON of a policy, for all that the program declares. Raises LookupError for a type without rights."""
    made = Policies(scope(profile), section(profile).domain or "", declaration)
    return {f"aws-{part}.json": made.text(services) for part, services in FILES.items()}


@dataclass(frozen=True)
class Question:
    """Whether somebody may do these actions on a resource."""

    actions: tuple[str, ...]
    resource: str
    """An ARN as one of them would have, or `*`."""
    context: Mapping[str, tuple[str, ...]]
    """What IAM would know of the request."""


def questions(of: Scope, domain: str) -> tuple[Question, ...]:
    """Everything that some program of AWS may need, as questions for IAM's simulator."""
    grants = (*(grant for kind in TYPES.values() for grant in kind), *EVERYWHERE)
    asked: dict[tuple[str, Condition], set[str]] = {}
    for grant in grants:
        asked.setdefault((grant.resources[0], grant.condition), set()).update(grant.actions)
    return tuple(
        Question(
            tuple(sorted(actions)),
            resource_arn(of, resource).replace("*", "x") if resource != "*" else "*",
            _context(of, domain, condition),
        )
        for (resource, condition), actions in sorted(asked.items())
    )


def _context(of: Scope, domain: str, condition: Condition) -> dict[str, tuple[str, ...]]:
    """What meets the condition."""
    name = (of.installation,)
    template = resource_arn(of, "ec2:launch-template/lt-x")
    contexts: Mapping[Condition, dict[str, tuple[str, ...]]] = {
        "": {},
        "new": {f"aws:RequestTag/{TAG}": name},
        "ours": {f"aws:ResourceTag/{TAG}": name},
        "cluster-group": {"aws:ResourceTag/aws:eks:cluster-name": (of.base,)},
        "passed": {"iam:PassedToService": (PASSED_TO[0],)},
        "maintained": {"iam:PolicyARN": (of.aws_policy("AmazonEKSClusterPolicy"),)},
        "templates": {"ec2:LaunchTemplate": (template,)},
        "names": {"route53:ChangeResourceRecordSetsNormalizedRecordNames": (domain,)},
        "creating": {"ec2:CreateAction": ("CreateVpc",), f"aws:RequestTag/{TAG}": name},
    }
    return contexts[condition]


def resource_arn(of: Scope, short: str) -> str:
    """The ARN, or a pattern of ARNs, of `service:resource`; `*` stays."""
    if short == "*":
        return short
    service, _, rest = short.partition(":")
    rest = rest.format(base=of.base, account=of.account, region=of.region)
    if service in ("s3", "route53"):
        return f"arn:{of.partition}:{service}:::{rest}"
    return of.arn(service, rest, regional=service != "iam")


def _apart(grant: Grant) -> tuple[str, ...]:
    """What may share a statement. Actions with the same tag do, whatever their resources: each only ever meets those
    of its own kind, and the tag decides."""
    by_tag = grant.condition in ("new", "ours") and grant.resources != ("*",)
    return ("by tag",) if by_tag else grant.resources


class Policies:
    """The statements for one declaration."""

    def __init__(self, of: Scope, domain: str, declaration: Declaration) -> None:
        self._scope = of
        self._domain = domain
        kinds = sorted({each.kind for each in declaration.resources if each.custom})
        self._kinds = [kind for kind in kinds if not kind.startswith("pulumi:")]
        self._maintained = sorted(
            {
                str(each.properties["policyArn"])
                for each in declaration.of("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
            }
        )
        unknown = [kind for kind in self._kinds if kind not in TYPES]
        if unknown:
            raise LookupError(f"nobody wrote down which rights {', '.join(unknown)} takes; add them to grants.py")
        self.grants = (*(grant for kind in self._kinds for grant in TYPES[kind]), *EVERYWHERE)

    def text(self, services: tuple[str, ...]) -> str:
        """The policy with the actions of these services on resources; without services, all that names none."""
        merged: dict[tuple[tuple[str, ...], Condition], tuple[set[str], set[str]]] = {}
        for grant in self.grants:
            asks = grant.resources == ("*",) and not grant.condition
            wanted = asks if not services else not asks
            chosen = {action for action in grant.actions if wanted and action.partition(":")[0] in (services or ALL)}
            if chosen:
                found = merged.setdefault((_apart(grant), grant.condition), (set(), set()))
                found[0].update(chosen)
                found[1].update(grant.resources)
        statements = [
            self._statement(chosen, resources, condition)
            for (_, condition), (chosen, resources) in sorted(merged.items(), key=lambda each: each[0])
        ]
        if "iam" in services:
            statements.append(self._linked_roles())
        return json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=1) + "\n"

    def _statement(self, found: set[str], resources: set[str], condition: Condition) -> dict[str, Any]:
        where = sorted(resource_arn(self._scope, each) for each in resources)
        made: dict[str, Any] = {
            "Effect": "Allow",
            "Action": sorted(found),
            "Resource": where[0] if len(where) == 1 else where,
        }
        return made | ({"Condition": self._condition(condition)} if condition else {})

    def _condition(self, condition: Condition) -> dict[str, Any]:
        name = self._scope.installation
        conditions: Mapping[Condition, dict[str, Any]] = {
            "new": {"StringEquals": {f"aws:RequestTag/{TAG}": name}},
            "ours": {"StringEquals": {f"aws:ResourceTag/{TAG}": name}},
            "cluster-group": {"StringEquals": {"aws:ResourceTag/aws:eks:cluster-name": self._scope.base}},
            "passed": {"StringEquals": {"iam:PassedToService": list(PASSED_TO)}},
            "maintained": {"ArnEquals": {"iam:PolicyARN": self._maintained}},
            "templates": {"ArnLike": {"ec2:LaunchTemplate": resource_arn(self._scope, "ec2:launch-template/*")}},
            "names": {
                "ForAllValues:StringLike": {
                    "route53:ChangeResourceRecordSetsNormalizedRecordNames": [self._domain, f"*.{self._domain}"]
                }
            },
            "creating": {
                "StringEquals": {
                    "ec2:CreateAction": sorted(self._creating()),
                    f"aws:RequestTag/{TAG}": name,
                }
            },
        }
        return conditions[condition]

    def _creating(self) -> set[str]:
        """Actions of EC2 that make something."""
        return {
            action.partition(":")[2]
            for grant in self.grants
            if grant.condition in ("new", "templates")
            for action in grant.actions
            if action.startswith("ec2:")
        }

    def _linked_roles(self) -> dict[str, Any]:
        return {
            "Effect": "Allow",
            "Action": ["iam:CreateServiceLinkedRole"],
            "Resource": resource_arn(self._scope, "iam:role/aws-service-role/*"),
            "Condition": {"StringEquals": {"iam:AWSServiceName": list(LINKED_SERVICES)}},
        }
