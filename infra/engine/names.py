"""What a URN says. Pure."""

from __future__ import annotations

from infra.engine.model import ResourceName


def resource_name(urn: str) -> ResourceName:
    """The kind and name inside a URN; a child's qualified type is cut to its own."""
    parts = urn.split("::", 3)
    kind = parts[2].rpartition("$")[2] if len(parts) == 4 else ""
    return ResourceName(urn, kind, parts[3] if len(parts) == 4 else urn)
