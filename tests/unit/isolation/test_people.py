"""The role that speaks for people."""

from __future__ import annotations

from components.isolation.people import people_rules


def test_rules_name_every_group_and_no_other() -> None:
    user, extra, groups = people_rules(["beta", "acme", "beta"])
    assert user == {
        "apiGroups": [""],
        "resources": ["users"],
        "verbs": ["impersonate"],
        "resourceNames": ["mlp:person"],
    }
    assert (extra["resources"], extra["verbs"]) == (["userextras/mlp.io/account"], ["impersonate"])
    assert groups["resources"] == ["groups"]
    assert groups["resourceNames"] == [
        f"tenant:{slug}:{role}" for slug in ("acme", "beta") for role in ("admin", "member", "viewer")
    ]


def test_without_tenants_there_is_no_rule_on_groups() -> None:
    """A rule without names is a rule on all of them."""
    rules = people_rules([])
    assert "groups" not in str(rules)
    assert [rule["verbs"] for rule in rules] == [["impersonate"]] * 2
