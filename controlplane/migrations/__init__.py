"""The tables' versions (alembic), run from code: no configuration file, no second interpreter."""

from __future__ import annotations

import time
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from controlplane.migrations.grants import grant

_LOCK = 0x6D6C706D
"""Key of the advisory lock that lets one migration run at a time."""


def config() -> Config:
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent))
    made.set_main_option("path_separator", "os")
    return made


def newest() -> str:
    """The newest version this code knows."""
    return ScriptDirectory.from_config(config()).get_current_head() or ""


def is_current(engine: Engine) -> bool:
    """Whether the tables are of this version or of a newer one. False where the database is away or empty."""
    known = {script.revision for script in ScriptDirectory.from_config(config()).walk_revisions()}
    try:
        with engine.connect() as connection:
            found = connection.scalar(text("SELECT version_num FROM alembic_version"))
    except (OperationalError, ProgrammingError):
        return False
    return found is not None and (found == newest() or found not in known)


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
