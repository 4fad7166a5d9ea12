"""What holds for every page: accessible, quiet, still, light, and usable at 360 pixels, by day and by night."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from components.names import Role
from controlplane.members.model import MemberQuery
from controlplane.members.service import MemberService
from controlplane.quotas.model import Quota
from controlplane.requests.model import RequestCreate, WantWorkspace
from controlplane.requests.service import RequestService
from controlplane.workspaces.model import WorkspaceCreate
from controlplane.workspaces.service import WorkspaceService
from tests.browser.installation import ADMIN, Installation
from tests.browser.looks import check_page, violations
from tests.browser.pages import PAGES
from tests.browser.visitor import Visitor

TENANT = "every-page-of-the-console"[:24].rstrip("-")
LONG = "The department for very long names and everything else that does not fit into one line of a table"


@pytest.fixture(scope="module")
def scene(site: Installation) -> dict[str, str]:
    """A tenant with something on every page, of names as long as they may be."""
    member, admin = site.account("every-page-member", LONG), site.account("every-page-admin")
    site.tenant(TENANT, LONG, **{member: Role.MEMBER, admin: Role.ADMIN})
    quota = Quota(cpu="2", memory="4Gi", storage="10Gi", pods=20)
    with site.runtime.work(site.principal(ADMIN)) as work:
        made = WorkspaceService(work).create(TENANT, WorkspaceCreate(name="research", title=LONG, quota=quota))
        left = next(m for m in MemberService(work).list(TENANT, MemberQuery()).items if m.role is Role.MEMBER)
    with site.runtime.work(site.principal(member)) as work:
        wanted = WantWorkspace(workspace=WorkspaceCreate(name="detectors", quota=quota))
        asked = RequestService(work).create(TENANT, RequestCreate(want=wanted, reason=f"{LONG}.\n" * 3))
    return {
        "tenant": TENANT, "request": str(asked.id), "operation": str(made.operation), "member": str(left.id),
    }  # fmt: skip


@pytest.fixture(scope="module")
def reader(site: Installation, browser: Browser) -> Iterator[Visitor]:
    """The first admin, signed in once for all pages."""
    opened = Visitor(site, browser)
    opened.sign_in(ADMIN)
    yield opened
    opened.close()


@pytest.mark.parametrize("path", PAGES)
def test_a_page(reader: Visitor, scene: dict[str, str], axe: str, path: str) -> None:
    """By day, by night and on a small screen, in one visit."""
    reader.expect(*([404] if path == "/no/such/page" else []))
    check_page(reader, axe, path.format(**scene))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_door_is_accessible_too(site: Installation, browser: Browser, axe: str, scheme: str) -> None:
    opened = Visitor(site, browser, color_scheme=scheme)
    opened.go("/login")
    assert violations(opened, axe) == []
    opened.expect(401)
    opened.sign_in(ADMIN, "wrong")
    assert violations(opened, axe) == []
    opened.close()


def test_a_field_without_a_name_would_be_found(visitor: Visitor, axe: str) -> None:
    visitor.go("/login")
    visitor.page.evaluate("document.querySelector('main').append(document.createElement('input'))")
    assert any(found.startswith("label:") for found in violations(visitor, axe))


def test_scripts_of_a_first_visit_weigh_less_than_100_kilobytes(site: Installation, browser: Browser) -> None:
    opened = Visitor(site, browser)
    sizes: list[int] = []
    opened.page.on(
        "response", lambda r: sizes.append(len(r.body())) if "javascript" in r.headers["content-type"] else None
    )
    opened.go("/login")
    opened.page.wait_for_load_state("networkidle")
    opened.close()
    assert 0 < sum(sizes) < 100_000


def test_the_look_follows_the_system_and_can_be_chosen(site: Installation, browser: Browser) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    light, dark = Visitor(site, browser, color_scheme="light"), Visitor(site, browser, color_scheme="dark")
    for person in (light, dark):
        person.sign_in(ADMIN)
    seen = {person.page.evaluate(background) for person in (light, dark)}
    assert len(seen) == 2
    dark.page.get_by_role("button", name=f"{ADMIN}: account menu").click()
    dark.page.get_by_role("button", name="Light").click()
    dark.page.wait_for_load_state()
    assert dark.page.evaluate(background) == light.page.evaluate(background)
    for person in (light, dark):
        person.close()


def test_pages_work_without_scripts(site: Installation, browser: Browser, scene: dict[str, str]) -> None:
    opened = Visitor(site, browser, java_script_enabled=False)
    opened.sign_in(ADMIN)
    opened.go("/tenants?search=every")
    assert opened.page.get_by_role("link", name=LONG).count() == 1
    opened.go(f"/tenants/{TENANT}/settings")
    opened.page.get_by_role("button", name="Suspend tenant").click()
    assert opened.heading() == f"Suspend tenant {LONG}"
    opened.page.get_by_role("link", name="Cancel").click()
    opened.page.get_by_role("button", name=f"{ADMIN}: account menu").click()
    opened.page.get_by_role("button", name="Sign out").click()
    assert opened.heading() == "Sign in"
    opened.close()
