"""Tokens are shown once; the audit trail shows what happened and proves itself."""

from __future__ import annotations

import json

from playwright.sync_api import expect

from components.names import Role
from tests.browser.installation import ADMIN
from tests.browser.visitor import Visitor


def test_a_token_is_shown_once_works_and_stops_when_revoked(visitor: Visitor) -> None:
    page = visitor.page
    visitor.sign_in(visitor.site.account("scripter"))
    visitor.go("/tokens/new")
    page.get_by_label("Name").fill("nightly")
    page.get_by_role("checkbox", name="Change").uncheck()
    page.get_by_role("button", name="Create token").click()
    secret = page.get_by_label("Token", exact=True).inner_text()
    assert secret.startswith("mlp_")
    call = {"headers": {"Authorization": f"Bearer {secret}"}}
    api = f"{visitor.site.url}/api/v1/tenants"
    fresh = visitor.page.context.browser.new_context()  # type: ignore[union-attr]
    assert fresh.request.get(api, **call).status == 200  # type: ignore[arg-type]
    page.get_by_role("link", name="Done").click()
    assert secret not in page.content()
    visitor.go("/tokens")
    assert secret not in page.content()
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("Revoked", exact=True)).to_be_visible()
    assert fresh.request.get(api, **call).status == 401  # type: ignore[arg-type]
    fresh.close()


def test_a_token_that_may_do_nothing_is_not_made(visitor: Visitor) -> None:
    page = visitor.page
    visitor.sign_in(visitor.site.account("nothing-doer"))
    visitor.go("/tokens/new")
    for scope in page.get_by_role("checkbox").all():
        scope.uncheck()
    visitor.expect(422)
    page.get_by_role("button", name="Create token").click()
    expect(page.get_by_role("alert")).to_contain_text("What it may do")
    expect(page.get_by_role("alert")).to_contain_text("Name")
    assert not page.get_by_role("checkbox", name="Read").is_checked()


def test_the_trail_shows_a_change_and_its_chain_holds(visitor: Visitor) -> None:
    page = visitor.page
    admin = visitor.site.account("trail-admin")
    visitor.site.tenant("trail", "Trail", **{admin: Role.ADMIN})
    visitor.sign_in(admin)
    page.get_by_role("link", name="Audit").click()
    expect(page.get_by_role("cell", name="tenant.create")).to_be_visible()
    page.get_by_role("searchbox", name="Find by person, action or object").press_sequentially("member")
    expect(page.get_by_role("cell", name="tenant.create")).to_be_hidden()
    page.get_by_role("link", name="Verify chain").click()
    expect(page.get_by_text("The chain is intact")).to_be_visible()
    exported = visitor.context.request.get(f"{visitor.site.url}/audit/export?tenant=trail")
    events = [json.loads(line) for line in exported.text().splitlines()]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))


def test_the_platforms_own_chain_is_for_platform_admins(visitor: Visitor) -> None:
    admin = visitor.site.account("other-trail-admin")
    visitor.site.tenant("other-trail", **{admin: Role.ADMIN})
    visitor.sign_in(admin)
    visitor.expect(404)
    for path in ("/audit/verify?tenant=", "/audit/export?tenant=", "/audit/verify?tenant=trail"):
        assert visitor.go(path).status == 404
    assert ADMIN not in [chain.inner_text() for chain in visitor.page.locator("select option").all()]
