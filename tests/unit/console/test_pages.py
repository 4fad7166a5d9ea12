"""Every page of the console is one that a browser looks at in the tests."""

from __future__ import annotations

import re
from uuid import UUID

from controlplane.app import create_app
from controlplane.settings import Settings
from tests.browser.pages import PAGES, PAGES_OF_WORK
from tests.unit.reconcile.samples import FACTS

IDENTIFIER = str(UUID(int=1))
ELSEWHERE = {"console.sign_in_form"}
"""Looked at by a test of its own."""
PARTS = {
    "console.asset", "console.favicon", "console.workspace_running", "console.content_panel", "console.content_log",
    "console.operation_panel", "console.operation_stream", "console.export_audit",
}  # fmt: skip
"""No page: files, and what is put into a page by itself."""


def test_every_page_is_looked_at() -> None:
    app = create_app(
        Settings.model_validate({"database_url": "postgresql://", "broker_url": "redis://", "facts": FACTS})
    )
    shown = app.url_map.bind("console.example")
    paths = (*PAGES, *(f"/workspaces/tenant/research{path}" for path in PAGES_OF_WORK))
    looked_at = {
        shown.match(re.sub(r"{.+?}", IDENTIFIER, path).partition("?")[0], method="GET")[0]
        for path in paths
    }  # fmt: skip
    pages = {
        rule.endpoint for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("console.") and "GET" in (rule.methods or ())
    }  # fmt: skip
    assert looked_at | ELSEWHERE == pages - PARTS
    assert pages >= PARTS | ELSEWHERE
