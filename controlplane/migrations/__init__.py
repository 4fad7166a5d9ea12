"""The tables' versions (alembic), run from code: no configuration file, no second interpreter."""

from __future__ import annotations

import time
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from controlplane.migrations.grants import grant

_LOCK = 0x6D6C706D
"""Key of the advisory lock that lets one migration run at a time."""


def config() -> Config:
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent))
    made.set_main_option("path_separator", "os")
    return made


def upgrade(engine: Engine, application_role: str, *, patience: float = 0.0) -> None:
    """To the newest version, in one transaction, with the rights of the application's role.

    Waits `patience` seconds at most for the database to answer.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            with engine.begin() as connection:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
                made = config()
                made.attributes["connection"] = connection
                command.upgrade(made, "head")
                grant(connection, application_role)
            return
        except OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(1.0)
