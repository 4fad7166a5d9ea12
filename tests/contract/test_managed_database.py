"""Roles and databases on a server whose administrator is no superuser, as clouds give it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from components.database.names import ROLES
from tests.servers.postgres import Postgres

pytestmark = pytest.mark.contract
_PASSWORD = "administrators-own-password"
_TRUST = "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"


@pytest.fixture
def server() -> Iterator[Postgres]:
    made = Postgres()
    try:
        made.start()
        made.sql(f"CREATE ROLE mlpadmin LOGIN CREATEROLE CREATEDB PASSWORD '{_PASSWORD}'")
        made.require_passwords(_TRUST)
        yield made
    finally:
        made.close()


def prepare(server: Postgres, folder: Path, passwords: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """What the Job runs."""
    for name, password in {**passwords, "administrator": _PASSWORD}.items():
        (folder / name).write_text(password)
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "components.database.prepare",
            f"--programs={server.programs}",
            f"--passwords={folder}",
            f"--server=127.0.0.1:{server.port}",
            "--administrator=mlpadmin",
            *(f"--role={role}={database}" for role, database in ROLES.items()),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PGSSLMODE": "disable"},
    )


def test_roles_get_their_databases_and_no_others(server: Postgres, tmp_path: Path) -> None:
    first = {role: f"first-password-of-{role}" for role in ROLES}
    done = prepare(server, tmp_path, first)
    assert done.returncode == 0, done.stderr
    second = first | {"tracking": "another-password"}
    again = prepare(server, tmp_path, second)
    assert again.returncode == 0, again.stderr
    assert not [word for word in (*second.values(), _PASSWORD) if word in done.stdout + done.stderr + again.stdout]

    def connect(role: str, password: str, database: str) -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1", port=server.port, user=role, password=password, dbname=database, connect_timeout=10
        )

    for role, database in ROLES.items():
        with connect(role, second[role], database) as connection:
            row = connection.execute("SELECT rolsuper, rolcreaterole FROM pg_roles WHERE rolname = current_user")
            assert row.fetchone() == (False, False)
    with connect("tracking", second["tracking"], "tracking") as owner:
        owner.execute("CREATE TABLE runs (id int)")
    for role, password, database in (
        ("tracking", first["tracking"], "tracking"),
        ("tracking", second["tracking"], "controlplane"),
        ("controlplaneapp", second["controlplaneapp"], "tracking"),
    ):
        with pytest.raises(psycopg.OperationalError):
            connect(role, password, database).close()


def test_a_server_that_is_away_is_named(server: Postgres, tmp_path: Path) -> None:
    server.stop()
    done = prepare(server, tmp_path, dict.fromkeys(ROLES, "x"))
    assert done.returncode == 1
    assert "Connection refused" in done.stderr
    assert _PASSWORD not in done.stderr
