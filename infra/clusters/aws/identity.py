"""IAM roles of pods: each for exactly one service account of this cluster, with exactly what it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.clusters.aws import permissions
from infra.clusters.aws.documents import document, trust_oidc, trust_pod_identity
from infra.clusters.aws.part import Part
from infra.clusters.aws.shape import Shape

ROLE_ANNOTATION = "eks.amazonaws.com/role-arn"
"""Of service accounts, where IRSA gives them their role."""


@dataclass(frozen=True)
class PodRole:
    """A service account that gets a role."""

    name: str
    namespace: str
    service_account: str
    description: str
    policies: tuple[str, ...] = ()
    """Names of policies that AWS maintains."""


class Identities(Part):
    """Roles of pods by EKS Pod Identity or by the cluster's OIDC tokens, as the profile says."""

    def __init__(
        self,
        shape: Shape,
        cluster: aws.eks.Cluster,
        agent: pulumi.Resource | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("Identities", "identities", shape.scope, opts)
        self._shape = shape
        self._cluster = cluster
        self._agent = agent
        self.annotations: dict[str, pulumi.Output[dict[str, str]]] = {}
        """Service account as `namespace/name` → its annotations; only with IRSA."""
        self._tokens = self._oidc() if shape.identity == "irsa" else None

    @property
    def issuer(self) -> pulumi.Output[str]:
        """Of the cluster's tokens, without https://."""
        found: pulumi.Output[str] = self._cluster.identities.apply(
            lambda given: str(given[0].oidcs[0].issuer).removeprefix("https://")
        )
        return found

    def _oidc(self) -> aws.iam.OpenIdConnectProvider:
        return aws.iam.OpenIdConnectProvider(
            "tokens",
            url=self._cluster.identities.apply(lambda found: found[0].oidcs[0].issuer),
            client_id_lists=["sts.amazonaws.com"],
            tags=self.scope.tags(self.scope.name("tokens")),
            opts=self.own(),
        )

    def give(self, pod: PodRole, policy: pulumi.Output[str] | None = None, *, bind: bool = True) -> aws.iam.Role:
        """The role. `policy`: the document of its own policy. `bind` False: the caller hands the role to an addon."""
        name = self.scope.role_name(pod.name)
        role = aws.iam.Role(
            pod.name,
            name=name,
            description=pod.description,
            assume_role_policy=self._trust(pod),
            max_session_duration=3600,
            tags=self.scope.tags(name),
            opts=self.own(),
        )
        for maintained in pod.policies:
            aws.iam.RolePolicyAttachment(
                f"{pod.name}-{maintained.rpartition('/')[2]}",
                role=role.name,
                policy_arn=self.scope.aws_policy(maintained),
                opts=self.own(),
            )
        if policy is not None:
            aws.iam.RolePolicy(pod.name, name=pod.name, role=role.name, policy=policy, opts=self.own())
        if bind:
            self._bind(pod, role)
        return role

    def _trust(self, pod: PodRole) -> Any:
        if self._tokens is None:
            return self._cluster.arn.apply(
                lambda arn: document(trust_pod_identity(arn, self.scope.account, pod.namespace, pod.service_account))
            )
        return pulumi.Output.all(self._tokens.arn, self.issuer).apply(
            lambda found: document(trust_oidc(found[0], found[1], pod.namespace, pod.service_account))
        )

    def _bind(self, pod: PodRole, role: aws.iam.Role) -> None:
        if self._tokens is not None:
            self.annotations[f"{pod.namespace}/{pod.service_account}"] = role.arn.apply(
                lambda arn: {ROLE_ANNOTATION: arn}
            )
            return
        aws.eks.PodIdentityAssociation(
            pod.name,
            cluster_name=self._cluster.name,
            namespace=pod.namespace,
            service_account=pod.service_account,
            role_arn=role.arn,
            tags=self.scope.tags(self.scope.name(pod.name)),
            opts=self.own(after=[self._agent] if self._agent else []),
        )


def boundary(shape: Shape, key: pulumi.Output[str], parent: Part) -> pulumi.Output[str]:
    """ARN of the policy that bounds workspaces' roles: the profile's, or one made here."""
    if shape.permissions_boundary:
        return pulumi.Output.from_input(shape.permissions_boundary)
    scope = shape.scope
    name = scope.name("workspaces")
    made = aws.iam.Policy(
        "workspaces",
        name=name,
        description="The most that a role of a workspace may ever do",
        policy=key.apply(lambda arn: document(*permissions.workspaces(scope, arn))),
        tags=scope.tags(name),
        opts=parent.own(),
    )
    arn: pulumi.Output[str] = made.arn
    return arn
