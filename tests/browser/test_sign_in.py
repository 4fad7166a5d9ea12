"""The door: who gets in, what a wrong password says, and what signing out leaves."""

from __future__ import annotations

from tests.browser.installation import ADMIN
from tests.browser.visitor import Visitor


def test_an_admin_lands_on_the_overview(visitor: Visitor) -> None:
    visitor.sign_in(ADMIN)
    assert visitor.heading() == "Overview"


def test_a_member_lands_on_their_workspaces(visitor: Visitor) -> None:
    visitor.sign_in(visitor.site.account("lands"))
    assert visitor.heading() == "My workspaces"


def test_the_page_that_was_wanted_opens_after_signing_in(visitor: Visitor) -> None:
    visitor.go("/operations?state=running")
    visitor.page.get_by_label("User name").fill(ADMIN)
    visitor.page.get_by_label("Password").fill("")
    visitor.expect(422)
    visitor.page.get_by_role("button", name="Sign in").click()
    assert "Fill this in" in visitor.page.inner_text("form") or "At least 1" in visitor.page.inner_text("form")


def test_a_wrong_password_keeps_the_name_and_says_nothing_more(visitor: Visitor) -> None:
    visitor.expect(401)
    visitor.sign_in(ADMIN, "not the password")
    assert visitor.page.get_by_role("alert").inner_text().strip().endswith("Account or password is wrong.")
    assert visitor.page.get_by_label("User name").input_value() == ADMIN
    assert visitor.page.get_by_label("Password").input_value() == ""


def test_after_signing_out_the_session_is_dead_on_the_server(visitor: Visitor) -> None:
    visitor.sign_in(ADMIN)
    old = visitor.context.cookies()
    visitor.page.get_by_role("button", name=f"{ADMIN}: account menu").click()
    visitor.page.get_by_role("button", name="Sign out").click()
    assert visitor.page.get_by_text("You are signed out").is_visible()
    visitor.context.add_cookies([cookie for cookie in old if cookie["name"].endswith("session")])  # type: ignore[list-item]
    visitor.go("/")
    assert visitor.heading() == "Sign in"
