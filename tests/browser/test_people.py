"""People with local accounts: added, locked out, let in again, and helped when they forgot their password."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.installation import ADMIN, SECRET
from tests.browser.visitor import Visitor


def test_an_account_from_its_first_to_its_second_password(visitor: Visitor, another: Visitor) -> None:
    page = visitor.page
    visitor.sign_in(ADMIN)
    visitor.go("/people")
    page.get_by_role("link", name="Add person").click()
    page.get_by_label("User name").fill("grace")
    page.get_by_label("Full name").fill("Grace Hopper")
    page.get_by_label("First password").fill("short")
    page.get_by_label("Groups").fill("navy, compilers")
    visitor.expect(422)
    page.get_by_role("button", name="Add person").click()
    expect(page.get_by_role("alert")).to_contain_text("At least 12 characters")
    assert page.get_by_label("First password").input_value() == ""
    assert page.get_by_label("Groups").input_value() == "navy, compilers"
    page.get_by_label("First password").fill(SECRET)
    page.get_by_role("button", name="Add person").click()
    expect(page.get_by_role("cell", name="compilers, navy")).to_be_visible()

    another.sign_in("grace")
    assert another.heading() == "My workspaces"
    row = page.get_by_role("row").filter(has_text="Grace Hopper")
    row.get_by_role("button", name="Password").click()
    page.get_by_role("dialog").get_by_label("New password").fill("a rather new password")
    page.get_by_role("dialog").get_by_role("button", name="Set password").click()
    expect(page.get_by_text("grace has a new password")).to_be_visible()
    another.go("/workspaces")
    assert another.heading() == "Sign in"
    another.sign_in("grace", "a rather new password")
    assert another.heading() == "My workspaces"

    row.get_by_role("button", name="Disable").click()
    expect(row.get_by_text("Disabled")).to_be_visible()
    another.go("/workspaces")
    assert another.heading() == "Sign in"
    row.get_by_role("button", name="Enable").click()
    expect(row.get_by_text("Active")).to_be_visible()


def test_ones_own_password(visitor: Visitor) -> None:
    page = visitor.page
    visitor.sign_in(visitor.site.account("changes-password"))
    visitor.go("/account")
    page.get_by_label("Current password").fill("wrong one")
    page.get_by_label("New password", exact=False).first.fill("the second password")
    page.get_by_label("New password again").fill("the other password")
    visitor.expect(422)
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_role("alert")).to_contain_text("This differs from the new password.")
    page.get_by_label("Current password").fill(SECRET)
    page.get_by_label("New password", exact=False).first.fill("the second password")
    page.get_by_label("New password again").fill("the second password")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("Your password is changed.")).to_be_visible()


def test_people_are_for_platform_admins(visitor: Visitor) -> None:
    visitor.sign_in(visitor.site.account("no-admin"))
    visitor.expect(404)
    for path in ("/people", "/people/new", f"/people/{ADMIN}/password"):
        assert visitor.go(path).status == 404
