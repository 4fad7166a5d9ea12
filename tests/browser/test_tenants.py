"""Tenants from the first form to the last."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from components.names import Role
from tests.browser.installation import ADMIN
from tests.browser.visitor import Visitor

pytestmark = pytest.mark.usefixtures("worker")


def test_create_a_tenant_and_its_first_member(visitor: Visitor) -> None:
    page = visitor.page
    visitor.site.account("first-member")
    visitor.sign_in(ADMIN)
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Tenants").click()
    page.get_by_role("link", name="Create tenant").first.click()
    page.get_by_label("Name").fill("astronomy")
    page.get_by_label("Title").fill("Astronomy & <stars>")
    page.get_by_label("CPU (cores)").fill("12.5")
    page.get_by_role("button", name="Create tenant").click()
    assert visitor.heading() == "Astronomy & <stars>"
    expect(page.get_by_text("0 of 12.5 cores reserved")).to_be_visible()
    page.get_by_role("link", name="Add the first member").click()
    page.get_by_label("Name").fill("first-member")
    page.get_by_role("button", name="Add member").click()
    expect(page.get_by_role("cell", name="first-member")).to_be_visible()
    page.reload()
    assert not page.get_by_text("first-member is now member here.").is_visible()


def test_bad_input_shows_every_error_beside_its_field_and_keeps_what_was_typed(visitor: Visitor) -> None:
    page = visitor.page
    visitor.sign_in(ADMIN)
    visitor.go("/tenants/-/new")
    typed = {"Name": "Bad Name", "Title": "Kept", "CPU (cores)": "lots", "Memory (GiB)": "", "Pods": "3.5"}
    for label, value in typed.items():
        page.get_by_label(label, exact=False).first.fill(value)
    visitor.expect(422)
    page.get_by_role("button", name="Create tenant").click()
    expect(page.get_by_role("alert")).to_contain_text("4 fields need another value")
    assert page.evaluate("document.activeElement.id") == "form-summary"
    for name in ("slug", "quota.cpu", "quota.memory", "quota.pods"):
        field = page.locator(f"[name='{name}']")
        assert field.get_attribute("aria-invalid") == "true"
        described = (field.get_attribute("aria-describedby") or "").split()
        assert page.locator(f"[id='{described[0]}']").is_visible()
    for label, value in typed.items():
        assert page.get_by_label(label, exact=False).first.input_value() == value
    page.get_by_role("alert").get_by_role("link", name="Name").click()
    assert page.evaluate("document.activeElement.name") == "slug"


def test_a_name_that_is_taken_is_said_above_the_form(visitor: Visitor) -> None:
    visitor.site.tenant("taken")
    visitor.sign_in(ADMIN)
    visitor.go("/tenants/-/new")
    visitor.page.get_by_label("Name").fill("taken")
    visitor.expect(409)
    visitor.page.get_by_role("button", name="Create tenant").click()
    expect(visitor.page.get_by_role("alert")).to_be_visible()
    assert visitor.page.get_by_label("Name").input_value() == "taken"


def test_two_people_do_not_overwrite_each_others_settings(visitor: Visitor, another: Visitor) -> None:
    visitor.site.tenant("shared-settings")
    for person in (visitor, another):
        person.sign_in(ADMIN)
        person.go("/tenants/shared-settings/settings")
    visitor.page.locator("[name='quota.cpu']").fill("20")
    visitor.page.get_by_role("button", name="Save").click()
    expect(visitor.page.get_by_text("The settings are saved.")).to_be_visible()
    another.page.locator("[name='quota.cpu']").fill("30")
    another.expect(412)
    another.page.get_by_role("button", name="Save").click()
    expect(another.page.get_by_role("alert")).to_be_visible()
    another.go("/tenants/shared-settings/settings")
    assert another.page.locator("[name='quota.cpu']").input_value() == "20"


def test_suspend_and_resume_from_the_dialog(visitor: Visitor) -> None:
    page = visitor.page
    visitor.site.tenant("sleepy", "Sleepy")
    visitor.sign_in(ADMIN)
    visitor.go("/tenants/sleepy/settings")
    page.get_by_role("button", name="Suspend tenant").click()
    dialog = page.get_by_role("dialog", name="Suspend tenant Sleepy")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="Suspend tenant").click()
    dialog.get_by_role("button", name="Suspend tenant").click()
    page.get_by_role("link", name="Open tenant").click()
    expect(page.get_by_text("This tenant is suspended")).to_be_visible()
    page.get_by_role("link", name="Resume").click()
    page.get_by_role("button", name="Resume tenant").click()
    page.get_by_role("link", name="Open tenant").click()
    expect(page.get_by_text("This tenant is suspended")).to_be_hidden()


def test_a_tenant_is_deleted_only_when_its_name_is_typed(visitor: Visitor) -> None:
    page = visitor.page
    visitor.site.tenant("short-lived")
    visitor.sign_in(ADMIN)
    visitor.go("/tenants/short-lived/settings")
    page.get_by_role("button", name="Delete tenant").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Type short-lived to confirm").fill("something else")
    visitor.expect(422, 404)
    dialog.get_by_role("button", name="Delete tenant").click()
    page.get_by_label("Type short-lived to confirm").fill("short-lived")
    page.get_by_role("button", name="Delete tenant").click()
    expect(page.get_by_text("Done", exact=True).first).to_be_visible()
    assert visitor.go("/tenants/short-lived").status == 404


def test_absent_and_forbidden_look_the_same(visitor: Visitor) -> None:
    visitor.site.tenant("not-yours")
    visitor.sign_in(visitor.site.account("outsider"))
    visitor.expect(404)
    seen = []
    for path in ("/tenants/not-yours", "/tenants/no-such-one", "/tenants/not-yours/settings", "/no/such/page"):
        assert visitor.go(path).status == 404
        text = visitor.page.locator("main").inner_text()
        seen.append("\n".join(line for line in text.splitlines() if not line.startswith("Request")))
    assert len(set(seen)) == 1


def test_members_change_nothing_and_see_no_buttons_to_do_so(visitor: Visitor) -> None:
    visitor.site.account("only-member")
    visitor.site.tenant("club", "Club", **{"only-member": Role.MEMBER})
    visitor.sign_in("only-member")
    visitor.go("/tenants/club/settings")
    assert visitor.page.get_by_role("button", name="Suspend tenant").count() == 0
    assert visitor.page.locator("main form").count() == 0
    visitor.go("/tenants/club/members")
    assert visitor.page.get_by_role("link", name="Add member").count() == 0
    visitor.expect(404)
    assert visitor.go("/tenants/club/suspend").status == 404


def test_a_member_gets_another_role_and_is_removed(visitor: Visitor) -> None:
    page = visitor.page
    visitor.site.account("changing-member")
    visitor.site.tenant("choir", "Choir", **{"changing-member": Role.MEMBER})
    visitor.sign_in(ADMIN)
    visitor.go("/tenants/choir/members")
    member = page.get_by_role("row", name="changing-member")
    member.get_by_role("button", name="Change").click()
    role = page.get_by_role("dialog").get_by_label("Role")
    expect(role).to_have_value("member")
    role.select_option("viewer")
    page.get_by_role("button", name="Save role").click()
    expect(page.get_by_text("changing-member is now viewer here.")).to_be_visible()
    member.get_by_role("button", name="Change").click()
    page.get_by_role("button", name="Remove member").click()
    expect(page.get_by_text("changing-member no longer belongs to this tenant.")).to_be_visible()
    expect(member).to_have_count(0)
