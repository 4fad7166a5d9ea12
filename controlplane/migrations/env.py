"""Alembic's entry: runs inside the transaction that `upgrade` opened."""

from __future__ import annotations

from alembic import context

from controlplane.tables import Base

context.configure(
    connection=context.config.attributes["connection"], target_metadata=Base.metadata, transaction_per_migration=False
)
context.run_migrations()
