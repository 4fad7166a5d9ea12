"""The database's init program with real PostgreSQL binaries: made once, mended every time, roles kept apart."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from components.database.objects import ROLES, host_rules, server_settings
from components.database.settings import DatabaseSettings
from tests.servers.ports import free_port, wait_for_port
from tests.servers.postgres import programs_for_nobody

pytestmark = pytest.mark.contract

ROOT = Path(__file__).parents[2]
_NOBODY = 65534


class Prepared:
    """A folder as the pod has it, with programs that may run as an ordinary user."""

    def __init__(self, home: Path, programs: Path) -> None:
        self.home = home
        self.port = free_port()
        self.user = _NOBODY if os.geteuid() == 0 else None
        self.programs = programs
        for name in ("data", "socket", "passwords"):
            (home / name).mkdir()
        # Peer authentication goes by the system's user name; the image calls its user postgres, this machine does not.
        rules = host_rules().replace("local all postgres peer", "local all postgres trust")
        (home / "pg_hba.conf").write_text(rules)
        shutil.copy(ROOT / "components/database/prepare.py", home / "prepare.py")
        for path in [home, *home.rglob("*")]:
            if self.user and not path.is_symlink():
                os.chown(path, self.user, self.user)

    def run(self, passwords: dict[str, str]) -> subprocess.CompletedProcess[str]:
        """What the init container runs."""
        for role, password in passwords.items():
            path = self.home / "passwords" / role
            path.unlink(missing_ok=True)
            path.write_text(password)
            path.chmod(0o444)
        return subprocess.run(
            [
                _python(),
                str(self.home / "prepare.py"),
                f"--programs={self.programs}",
                f"--data={self.home / 'data' / '17'}",
                f"--socket={self.home / 'socket'}",
                f"--hba={self.home / 'pg_hba.conf'}",
                f"--passwords={self.home / 'passwords'}",
                *(f"--role={role}={database}" for role, database in ROLES.items()),
            ],
            user=self.user,
            group=self.user,
            extra_groups=[] if self.user else None,
            cwd=self.home,
            env={"PATH": os.environ["PATH"], "HOME": str(self.home)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    @contextmanager
    def serving(self) -> Iterator[None]:
        """The server with the component's own parameters."""
        changed = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.home / "socket"),
            "hba_file": str(self.home / "pg_hba.conf"),
        }
        parameters = server_settings(DatabaseSettings()) | changed
        process = subprocess.Popen(
            [
                self.programs / "postgres",
                f"-D{self.home / 'data' / '17'}",
                *(f"-c{k}={v}" for k, v in parameters.items()),
            ],
            user=self.user,
            group=self.user,
            extra_groups=[] if self.user else None,
            cwd=self.home,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_for_port(self.port)
            self._wait_until_serving()
            yield
        finally:
            process.send_signal(2)
            process.wait(30)

    def _wait_until_serving(self) -> None:
        """The port is open before the server serves; until then it says that it is starting up."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                self.connect("nobody", "", "nowhere").close()
            except psycopg.OperationalError as error:
                if "starting up" not in str(error):
                    return
                time.sleep(0.1)
        raise TimeoutError("PostgreSQL did not serve within 30 s")

    def connect(self, role: str, password: str, database: str) -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user=role, password=password, dbname=database, connect_timeout=10
        )


def _python() -> str:
    """A Python that an ordinary user may run."""
    if os.geteuid() != 0:
        return sys.executable
    found = shutil.which("python3", path="/usr/local/bin:/usr/bin")
    if found is None:
        pytest.skip("there is no Python in /usr/bin that the user nobody may run")
    return found


@pytest.fixture
def prepared() -> Iterator[Prepared]:
    home = Path(tempfile.mkdtemp(prefix="mlp-db-"))
    home.chmod(0o755)
    with programs_for_nobody() as programs:
        yield Prepared(home, programs)
    shutil.rmtree(home, ignore_errors=True)


def test_roles_databases_and_passwords(prepared: Prepared) -> None:
    first = {role: f"first-{role}-password" for role in ROLES}
    done = prepared.run(first)
    assert done.returncode == 0, done.stderr
    assert not [word for word in first.values() if word in done.stdout + done.stderr]
    second = first | {"tracking": "another-password"}
    again = prepared.run(second)
    assert again.returncode == 0, again.stderr
    assert "found" in again.stdout
    with prepared.serving():
        for role, database in ROLES.items():
            with prepared.connect(role, second[role], database) as connection:
                row = connection.execute("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user")
                assert row.fetchone() == (role, False)
        with prepared.connect("controlplane", second["controlplane"], "controlplane") as connection:
            connection.execute("CREATE TABLE t (a int)")
            connection.execute("GRANT SELECT ON t TO controlplaneapp")
        with prepared.connect("controlplaneapp", second["controlplaneapp"], "controlplane") as connection:
            connection.execute("SELECT * FROM t")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("INSERT INTO t VALUES (1)")
        application = prepared.connect("controlplaneapp", second["controlplaneapp"], "controlplane")
        with application, pytest.raises(psycopg.errors.InsufficientPrivilege):
            application.execute("CREATE TABLE mine (a int)")
        refused = [
            ("tracking", first["tracking"], "tracking"),
            ("tracking", second["tracking"], "controlplane"),
            ("tracking", second["tracking"], "postgres"),
            ("tracking", second["tracking"], "template1"),
            ("controlplaneapp", second["controlplaneapp"], "tracking"),
            ("postgres", "", "postgres"),
            ("postgres", "postgres", "controlplane"),
        ]
        for role, password, database in refused:
            with pytest.raises(psycopg.OperationalError):
                prepared.connect(role, password, database).close()


def test_a_killed_first_start_is_begun_again(prepared: Prepared) -> None:
    unfinished = prepared.home / "data" / "17.new"
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("17\n")
    if prepared.user:
        for path in (unfinished, unfinished / "PG_VERSION"):
            os.chown(path, prepared.user, prepared.user)
    done = prepared.run({role: f"password-of-{role}" for role in ROLES})
    assert done.returncode == 0, done.stderr
    assert (prepared.home / "data" / "17" / "PG_VERSION").exists()
    assert not unfinished.exists()


def test_a_missing_password_is_said(prepared: Prepared) -> None:
    done = prepared.run({"tracking": "only-one"})
    assert done.returncode == 1
    assert "preparing the database failed" in done.stderr
    assert json.dumps("only-one")[1:-1] not in done.stderr
