"""What the application's role may do with the tables. The audit trail it may only read and add to."""

from __future__ import annotations

import re

from sqlalchemy import Connection, text

from controlplane.tables import Base

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
APPEND_ONLY = frozenset({"audit_events"})
KEPT = frozenset({"audit_chains"})
"""Updated with every event, never removed."""


def grant(connection: Connection, role: str) -> None:
    """Exactly these rights, also where others were given before. Nothing to do where the owner is the application."""
    if not _NAME.fullmatch(role):
        raise ValueError(f"not a role's name: {role!r}")
    owner = connection.scalar(text("SELECT current_user"))
    if role == owner:
        return
    connection.execute(text(f'GRANT USAGE ON SCHEMA public TO "{role}"'))
    for table in sorted(Base.metadata.tables):
        rights = "SELECT, INSERT, UPDATE, DELETE"
        if table in APPEND_ONLY:
            rights = "SELECT, INSERT"
        elif table in KEPT:
            rights = "SELECT, INSERT, UPDATE"
        connection.execute(text(f'REVOKE ALL ON TABLE "{table}" FROM "{role}", PUBLIC'))
        connection.execute(text(f'GRANT {rights} ON TABLE "{table}" TO "{role}"'))
    connection.execute(text(f'GRANT SELECT ON TABLE alembic_version TO "{role}"'))
