"""Everything by keyboard: the way through a page, the search box, and a whole change."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.installation import ADMIN, SECRET
from tests.browser.visitor import Visitor

_FOCUSED = """() => {
  const e = document.activeElement, s = getComputedStyle(e), w = e.parentElement && getComputedStyle(e.parentElement);
  const seen = (x) => x && x.outlineStyle !== "none" && parseFloat(x.outlineWidth) >= 2;
  return { name: e.getAttribute("aria-label") || e.innerText || e.name || e.tagName, seen: seen(s) || seen(w) };
}"""


def test_from_signing_in_to_a_new_tenant_without_a_mouse(visitor: Visitor) -> None:
    page, keys = visitor.page, visitor.page.keyboard
    visitor.go("/login")
    expect(page.get_by_label("User name")).to_be_focused()
    keys.type(ADMIN)
    keys.press("Tab")
    keys.type(SECRET)
    keys.press("Enter")
    page.wait_for_url("**/")
    visited = []
    while not visited or visited[-1]["name"].strip() != "Create tenant":
        keys.press("Tab")
        visited.append(page.evaluate(_FOCUSED))
        assert len(visited) < 40
    assert visited[0]["name"].strip() == "Skip to content"
    assert all(stop["seen"] for stop in visited[1:]), [stop["name"] for stop in visited[1:] if not stop["seen"]]
    keys.press("Enter")
    page.wait_for_url("**/tenants/-/new")
    while page.evaluate("document.activeElement.name") != "slug":
        keys.press("Tab")
    keys.type("by-keyboard")
    keys.press("Enter")
    page.wait_for_url("**/tenants/by-keyboard")


def test_the_slash_brings_the_search_box_and_finds_things(visitor: Visitor) -> None:
    page = visitor.page
    visitor.site.tenant("findable", "Findable things")
    visitor.sign_in(ADMIN)
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    page.keyboard.type("a/b")
    assert page.locator("#search").input_value() == "a/b"
    page.locator("#search").fill("findable")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Findable things").click()
    assert visitor.heading() == "Findable things"


def test_skipping_to_the_content(visitor: Visitor) -> None:
    visitor.sign_in(ADMIN)
    visitor.page.keyboard.press("Tab")
    visitor.page.keyboard.press("Enter")
    assert visitor.page.evaluate("document.activeElement.id") == "main"


def test_the_dialog_holds_the_focus_and_gives_it_back(visitor: Visitor) -> None:
    page = visitor.page
    visitor.site.tenant("with-dialog")
    visitor.sign_in(ADMIN)
    visitor.go("/tenants/with-dialog/settings")
    page.get_by_role("button", name="Delete tenant").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert page.evaluate("document.activeElement.name") == "name"
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert "Delete tenant" in page.evaluate("document.activeElement.innerText")
