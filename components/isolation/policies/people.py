"""What the role that speaks for people may hold, whoever writes it."""

from __future__ import annotations

from components.isolation.policies.model import Match, Policy, Rule, each, quoted, quoted_list
from components.names import ACCOUNT_EXTRA, PEOPLE_CLUSTER_ROLE, PERSON_USER, Role


def policies() -> tuple[Policy, ...]:
    """The control plane may `escalate` this one role; this is what it may make of it. Administrators as well: whoever
    takes over an account with more rights than the control plane's finds the same bounds."""
    return (_people(),)


def _people() -> Policy:
    groups = "^tenant:[a-z][a-z0-9-]*:(" + "|".join(role.value for role in Role) + ")$"
    named = "has(r.resourceNames) && size(r.resourceNames) > 0"
    core = "r.apiGroups == ['']"
    person = f"(r.resources == ['users'] && {core} && {named} && r.resourceNames == [{quoted(PERSON_USER)}])"
    group = f"(r.resources == ['groups'] && {core} && {named} && r.resourceNames.all(n, n.matches({quoted(groups)})))"
    extra = (
        f"(r.resources == {quoted_list((f'userextras/{ACCOUNT_EXTRA}',))} && r.apiGroups == ['authentication.k8s.io'])"
    )
    shape = "has(r.apiGroups) && has(r.resources) && !has(r.nonResourceURLs) && r.verbs == ['impersonate']"
    return Policy(
        name="mlp-people",
        matches=(Match("rbac.authorization.k8s.io", ("clusterroles",)),),
        everywhere=True,
        conditions=(("the-role", f"object.metadata.name == {quoted(PEOPLE_CLUSTER_ROLE)}"),),
        rules=(
            Rule(
                "people",
                each("object.rules", "r", f"{shape} && ({person} || {group} || {extra})"),
                f"the ClusterRole {PEOPLE_CLUSTER_ROLE} speaks for people of tenants and for nobody else: "
                f"it may impersonate the user {PERSON_USER} in groups of tenants, nothing more",
            ),
            Rule(
                "people",
                "!has(object.aggregationRule)",
                f"the ClusterRole {PEOPLE_CLUSTER_ROLE} takes in no other roles",
            ),
        ),
    )
