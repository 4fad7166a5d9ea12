"""What a page must look like to everybody: accessible, quiet, still, and usable at 360 pixels, by day and by night."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.visitor import Visitor

_VENDOR = Path(__file__).parent / "vendor"
_STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def axe_script() -> str:
    """axe-core, as it was recorded."""
    script = (_VENDOR / "axe.min.js").read_bytes()
    recorded = json.loads((_VENDOR / "axe.json").read_text())
    assert hashlib.sha256(script).hexdigest() == recorded["sha256"]
    return script.decode()


def violations(person: Visitor, axe: str, *rules: str) -> list[str]:
    """What breaks WCAG 2.2 AA or axe's best practice on the open page; only these rules where some are named."""
    person.page.evaluate(axe)
    only = {"type": "rule", "values": list(rules)} if rules else {"type": "tag", "values": _STANDARDS}
    found = person.page.evaluate("async (only) => (await axe.run(document, { runOnly: only })).violations", only)
    return [f"{v['id']}: {v['help']}: {node['html'][:160]}" for v in found for node in v["nodes"]]


def settle(person: Visitor) -> None:
    """Until fonts are there, live parts have come, and nothing moves or changes colour."""
    person.page.evaluate(
        """async () => {
             await document.fonts.ready;
             await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
             await Promise.allSettled(document.getAnimations().map((a) => a.finished));
           }"""
    )
    expect(person.page.locator("#preview.htmx-request")).to_have_count(0)


def sticks_out(person: Visitor) -> list[str]:
    """Elements that end beyond the right edge of the window; those of a list of tabs may, since it scrolls."""
    found: list[str] = person.page.evaluate(
        """() => [...document.querySelectorAll("body *")]
             .filter((e) => e.checkVisibility() && e.getBoundingClientRect().right > innerWidth + 1
                            && !e.closest(".pf-v6-screen-reader, [popover]")
                            && !["auto", "scroll"].includes(getComputedStyle(e.closest(".pf-v6-c-tabs__list") ?? e)
                                                            .overflowX))
             .map((e) => `${e.tagName}.${e.className} ${Math.round(e.getBoundingClientRect().right)}`).slice(0, 5)"""
    )
    return found


def check_page(person: Visitor, axe: str, path: str) -> None:
    """By day, by night and on a small screen, in one visit of a page of the console."""
    page = person.page
    person.complaints.clear()
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.set_viewport_size({"width": 1280, "height": 900})
    person.go(path)
    settle(person)
    moved = person.shift()
    assert violations(person, axe) == []
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    settle(person)
    assert violations(person, axe, "color-contrast") == []
    for width in (1000, 360):
        page.set_viewport_size({"width": width, "height": 740})
        assert sticks_out(person) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert not person.complaints, "\n".join(person.complaints)
    assert moved < 0.01
