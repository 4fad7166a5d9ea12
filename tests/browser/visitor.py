"""Somebody at a browser: signs in, goes to pages, and remembers everything the browser complained about."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, Response

from tests.browser.installation import SECRET, Installation

PATIENCE = 30_000
"""Milliseconds; a busy machine is slow, a wrong page never becomes right."""
_LAYOUT_SHIFTS = """
    window.__shifts = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.__shifts += entry.value;
    }).observe({ type: "layout-shift", buffered: true });
"""


class Visitor:
    def __init__(self, site: Installation, browser: Browser, **context: Any) -> None:
        self.site = site
        options: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce", **context}
        self.context = browser.new_context(**options)
        self.context.set_default_timeout(PATIENCE)
        self.complaints: list[str] = []
        self._expected: tuple[int, ...] = ()
        self.page = self._open()

    def _open(self) -> Page:
        page = self.context.new_page()
        page.add_init_script(_LAYOUT_SHIFTS)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(f"script error: {error}"))
        return page

    def _heard(self, message: ConsoleMessage) -> None:
        """Errors and warnings, content security policy violations among them; not the answer a test asked for."""
        if message.type not in ("error", "warning"):
            return
        if any(f"status of {code} " in message.text for code in self._expected):
            return
        self.complaints.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def expect(self, *codes: int) -> None:
        """From now on these answers are what the test wants."""
        self._expected = codes

    def go(self, path: str) -> Response:
        response = self.page.goto(self.site.url + path)
        assert response is not None
        return response

    def sign_in(self, name: str, password: str = SECRET) -> None:
        self.go("/login")
        self.page.get_by_label("User name").fill(name)
        self.page.get_by_label("Password").fill(password)
        with self.page.expect_navigation():
            self.page.get_by_role("button", name="Sign in").click()

    def shift(self) -> float:
        """How much the page moved by itself while it was built; 0 where nothing did."""
        moved: float = self.page.evaluate("window.__shifts")
        return moved

    def heading(self) -> str:
        return self.page.get_by_role("heading", level=1).inner_text()

    def close(self) -> None:
        self.context.close()
