"""`platform doctor`: first aid. What is on this machine, what will be used, and the remedy where something lacks."""

from __future__ import annotations

from typing import Any

from infra.installation.home import Home, cache_root
from infra.lifecycle import supplies
from infra.lifecycle.facts import chosen_components
from infra.lifecycle.onprem import host_findings
from infra.lifecycle.preflight import cloud_findings, findings
from infra.preflight.model import Finding
from infra.profile.model import Profile
from infra.toolchain.model import Finding as ToolFinding
from infra.toolchain.registries import Reach, registries
from infra.toolchain.service import Toolchain

_STATES = {"error": "failed", "warning": "warning", "info": "warning"}


def examine(profile: Profile) -> dict[str, Any]:
    """checks: name, group (machine, host, cloud, tool, registry), state (ok, warning, failed), found, remedy."""
    images = supplies.wanted_images(profile, chosen_components(profile))
    tools = Toolchain(cache_root()).inspect(supplies.wanted_tools(profile, images))
    building = any(tool.action in ("build", "extract") for tool in tools)
    checks = [_found(finding, "machine") for finding in findings(profile, Home(profile.name))]
    checks += [_found(finding, "host") for finding in host_findings(profile)]
    checks += [_found(finding, "cloud") for finding in cloud_findings(profile)]
    checks += [_tool(tool) for tool in tools]
    checks += [_registry(reach, building) for reach in registries()]
    return {"profile": profile.name, "checks": checks}


def _found(finding: Finding, group: str) -> dict[str, Any]:
    state = "ok" if finding.ok else _STATES[finding.severity]
    return _check(finding.check, group, state, finding.message, finding.remedy)


def _tool(tool: ToolFinding) -> dict[str, Any]:
    plan = {"use": "", "build": f"; will be built, about {tool.seconds:.0f} s", "extract": "; will be unpacked"}
    return _check(tool.name, "tool", "ok" if tool.ok else "failed", tool.found + plan.get(tool.action, ""), tool.remedy)


def _registry(reach: Reach, needed: bool) -> dict[str, Any]:
    state = "ok" if reach.ok else ("failed" if needed else "warning")
    return _check(reach.registry, "registry", state, reach.message, "" if reach.ok else reach.remedy)


def _check(name: str, group: str, state: str, found: str, remedy: str) -> dict[str, Any]:
    return {"name": name, "group": group, "state": state, "found": found, "remedy": remedy if state != "ok" else ""}
