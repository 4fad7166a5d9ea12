"""The main navigation: which entry a person sees, by what they may do. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from components.names import Role
from controlplane.auth.model import Principal


@dataclass(frozen=True)
class Entry:
    """`section` is the first part of the path of every page below this entry."""

    text: str
    endpoint: str
    icon: str
    section: str
    seen_by: Callable[[Principal], bool]


def _everyone(_: Principal) -> bool:
    return True


def _platform_admin(who: Principal) -> bool:
    return who.platform_admin


def _member(who: Principal) -> bool:
    return not who.platform_admin


def audits(who: Principal) -> bool:
    return who.platform_admin or Role.ADMIN in who.roles.values()


ENTRIES = (
    Entry("Overview", "console.home", "home", "", _platform_admin),
    Entry("My workspaces", "console.workspaces", "workspaces", "workspaces", _member),
    Entry("Tenants", "console.tenants", "tenants", "tenants", _everyone),
    Entry("Workspaces", "console.workspaces", "workspaces", "workspaces", _platform_admin),
    Entry("Requests", "console.requests", "requests", "requests", _everyone),
    Entry("Operations", "console.operations", "operations", "operations", _everyone),
    Entry("People", "console.people", "person", "people", _platform_admin),
    Entry("Audit", "console.audit", "audit", "audit", audits),
)


@dataclass(frozen=True)
class Item:
    text: str
    url: str
    icon: str
    current: bool


def items(who: Principal, path: str, url: Callable[[str], str]) -> tuple[Item, ...]:
    section = path.strip("/").split("/")[0]
    return tuple(Item(e.text, url(e.endpoint), e.icon, e.section == section) for e in ENTRIES if e.seen_by(who))
