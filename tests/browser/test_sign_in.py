"""The door: who gets in, what a wrong password says, and what signing out leaves."""

from __future__ import annotations

from tests.browser.installation import ADMIN, SECRET
from tests.browser.visitor import Visitor


def test_an_admin_lands_on_the_overview(visitor: Visitor) -> None:
    visitor.sign_in(ADMIN)
    assert visitor.heading() == "Overview"


def test_a_member_lands_on_their_workspaces(visitor: Visitor) -> None:
    visitor.sign_in(visitor.site.account("lands"))
    assert visitor.heading() == "My workspaces"


def test_the_page_that_was_wanted_opens_after_signing_in(visitor: Visitor) -> None:
    visitor.go("/operations?state=running")
    assert visitor.heading() == "Sign in"
    visitor.page.get_by_label("User name").fill(ADMIN)
    visitor.page.get_by_label("Password").fill(SECRET)
    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_url("**/operations?state=running")


def test_a_target_on_another_site_is_not_followed(visitor: Visitor) -> None:
    visitor.go("/login?next=//elsewhere.example/")
    visitor.page.get_by_label("User name").fill(ADMIN)
    visitor.page.get_by_label("Password").fill(SECRET)
    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_url(visitor.site.url + "/")


def test_a_wrong_password_keeps_the_name_and_says_nothing_more(visitor: Visitor) -> None:
    visitor.expect(401)
    visitor.sign_in(ADMIN, "not the password")
    assert visitor.page.get_by_role("alert").inner_text().strip().endswith("Account or password is wrong.")
    assert visitor.page.get_by_label("User name").input_value() == ADMIN
    assert visitor.page.get_by_label("Password").input_value() == ""


def test_after_signing_out_the_session_is_dead_on_the_server(visitor: Visitor) -> None:
    visitor.sign_in(ADMIN)
    old = [cookie for cookie in visitor.context.cookies() if cookie["name"].endswith("session")]
    visitor.page.get_by_role("button", name=f"{ADMIN}: account menu").click()
    visitor.page.get_by_role("button", name="Sign out").click()
    visitor.page.get_by_text("You are signed out").wait_for()
    visitor.context.add_cookies(old)  # type: ignore[arg-type]
    visitor.go("/")
    assert visitor.heading() == "Sign in"


def test_a_form_from_elsewhere_changes_nothing(visitor: Visitor) -> None:
    visitor.sign_in(ADMIN)
    visitor.expect(403)
    for headers in ({}, {"Origin": "https://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = visitor.context.request.post(visitor.site.url + "/signout", form={"csrf_token": "x"}, headers=headers)
        assert answer.status == 403
    visitor.go("/")
    assert visitor.heading() == "Overview"


def test_an_expired_session_leads_back_to_where_one_was(visitor: Visitor) -> None:
    visitor.sign_in(ADMIN)
    visitor.go("/tenants/-/new")
    visitor.context.clear_cookies()
    visitor.page.get_by_label("Name").fill("too-late")
    visitor.page.get_by_role("button", name="Create tenant").click()
    visitor.page.get_by_label("User name").fill(ADMIN)
    visitor.page.get_by_label("Password").fill(SECRET)
    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_url("**/tenants/-/new")
