"""`platform plan`: what `up` would do now. Offline, changes nothing."""

from __future__ import annotations

from typing import Any

from infra.installation.home import Home, cache_root
from infra.installation.record import Recorder
from infra.lifecycle import supplies
from infra.lifecycle.facts import chosen_components
from infra.plan import steps as planned
from infra.profile.model import Profile
from infra.toolchain.service import Toolchain


def planned_up(profile: Profile, home: Home) -> dict[str, Any]:
    """steps (name, title, expected seconds, now), changes (path, before, after, immutable), allowed."""
    recorder = Recorder(home)
    images = supplies.wanted_images(profile, chosen_components(profile))
    findings = Toolchain(cache_root()).inspect(supplies.wanted_tools(profile, images))
    missing = [finding for finding in findings if finding.action in ("build", "extract")]
    changes = planned.changes(recorder.record.profile, profile.model_dump(mode="json", by_alias=True))

    def now(name: str) -> str:
        if name == planned.TOOLCHAIN.name:
            return f"{len(missing)} of {len(findings)} tools to make" if missing else "all tools are there"
        known = recorder.record.steps.get(name)
        if known is None:
            return "not done yet"
        return {"done": "done; will be checked", "failed": "failed; will be tried again", "running": "interrupted"}[
            known.state
        ]

    def expected(step: planned.PlannedStep) -> float:
        if step is planned.TOOLCHAIN:
            return sum(finding.seconds for finding in missing)
        return recorder.expected(step.name) or step.expected

    return {
        "steps": [
            {"name": step.name, "title": step.title, "expected": expected(step), "now": now(step.name)}
            for step in planned.steps(profile)
        ],
        "changes": [{"path": c.path, "before": c.before, "after": c.after, "immutable": c.immutable} for c in changes],
        "allowed": not any(c.immutable for c in changes),
    }
