"""Only infra/engine may use Pulumi's automation: import-linter cannot name a part of an external package."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_only_the_engine_imports_pulumi_automation() -> None:
    users = [
        path.relative_to(ROOT).parts[:2]
        for folder in ("infra", "controlplane", "components")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"^\s*(from|import) pulumi\.automation", path.read_text("utf-8"), re.M)
    ]
    assert {*users} == {("infra", "engine")}
