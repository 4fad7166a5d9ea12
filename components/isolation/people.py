"""The role that speaks for people at the Kubernetes API. Pure.

The gateway sends a person's calls on as account PEOPLE_SERVICE_ACCOUNT, which impersonates PERSON_USER in the groups of
the person's tenants. RBAC knows no patterns, so the role lists every group by name; the control plane keeps that
list, and an admission policy says what may be on it (`policies/people.py`).
"""

from __future__ import annotations

from collections.abc import Iterable

from components.isolation.rbac import Rule, rule
from components.names import ACCOUNT_EXTRA, PERSON_USER, Role, tenant_group


def people_rules(tenants: Iterable[str]) -> list[Rule]:
    """The role's rules for tenants (slugs): to be PERSON_USER, with any account's name, in exactly their groups.

    No rule on groups where there is no tenant: one without names would be a rule on all groups.
    """
    groups = [tenant_group(slug, role) for slug in sorted(set(tenants)) for role in Role]
    rules = [
        rule("", ("users",), ("impersonate",), (PERSON_USER,)),
        rule("authentication.k8s.io", (f"userextras/{ACCOUNT_EXTRA}",), ("impersonate",)),
    ]
    return [*rules, rule("", ("groups",), ("impersonate",), groups)] if groups else rules
