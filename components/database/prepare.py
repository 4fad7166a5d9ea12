"""Makes roles and databases: before a server of ours starts (its init container), or on a cloud's server (a Job).

Idempotent: every start repeats it, so that a changed password or a new database needs nothing else. Where the server is
ours, its data folder is made too, and it is prepared while it listens on no address. Passwords of roles never leave
this process: the server gets SCRAM verifiers.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_ITERATIONS = 4096
"""Of SCRAM-SHA-256; PostgreSQL's own default. The passwords have 256 bits, so more would only cost time."""


class PrepareError(Exception):
    """The database could not be prepared; the message says which program failed and what it said."""


@dataclass(frozen=True)
class Paths:
    """Folders and files of the server that is prepared."""

    programs: Path
    data: Path
    socket: Path
    hba: Path


def scram_verifier(password: str, salt: bytes) -> str:
    """The verifier that PostgreSQL stores for an ASCII password (RFC 5803)."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, _ITERATIONS)
    client = hmac.digest(salted, b"Client Key", "sha256")
    server = hmac.digest(salted, b"Server Key", "sha256")
    stored = hashlib.sha256(client).digest()
    salt64, stored64, server64 = (base64.b64encode(part).decode() for part in (salt, stored, server))
    return f"SCRAM-SHA-256${_ITERATIONS}:{salt64}${stored64}:{server64}"


def role_statements(role: str, database: str, verifier: str, *, superuser: bool = True) -> str:
    """SQL (for psql) that makes or mends a role: owner of the database of its own name, or one that may connect to it.

    Names are the platform's own constants: lower-case letters only. Public rights on databases are revoked, so a role
    reaches its own database and no other. `superuser`: whether who runs it is one; a cloud's administrator may neither
    speak of superusers nor give databases to roles that it is no member of.
    """
    for name in (role, database):
        if not name.isalpha() or not name.isascii() or not name.islower():
            raise ValueError(f"not a name of a role or database: {name!r}")
    never = "NOSUPERUSER NOREPLICATION " if superuser else ""
    statements = [
        f"SELECT 'CREATE ROLE {role}' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') \\gexec",  # noqa: S608
        f"ALTER ROLE {role} LOGIN {never}NOCREATEDB NOCREATEROLE PASSWORD '{verifier}';",
    ]
    if not superuser:
        statements.append(f"GRANT {role} TO CURRENT_USER;")
    if role == database:
        missing = f"NOT EXISTS (SELECT FROM pg_database WHERE datname = '{database}')"
        statements += [
            f"SELECT 'CREATE DATABASE {database} OWNER {role}' WHERE {missing} \\gexec",
            f"ALTER DATABASE {database} OWNER TO {role};",
            f"REVOKE ALL ON DATABASE {database} FROM PUBLIC;",
        ]
    else:
        statements.append(f"GRANT CONNECT ON DATABASE {database} TO {role};")
    return "\n".join([*statements, ""])


_STOP = "\\set ON_ERROR_STOP on\n"
_COMMON = """REVOKE ALL ON DATABASE postgres FROM PUBLIC;
REVOKE ALL ON DATABASE template1 FROM PUBLIC;
"""


def make_data_folder(programs: Path, data: Path) -> bool:
    """Initialises `data` unless it is there. A half-made one of a killed run is made again; True if it was made."""
    if (data / "PG_VERSION").exists():
        return False
    unfinished = data.with_name(data.name + ".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    _run(
        [
            str(programs / "initdb"),
            f"--pgdata={unfinished}",
            "--username=postgres",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--locale=C",
            "--builtin-locale=C.UTF-8",
            "--auth-local=peer",
            "--auth-host=scram-sha-256",
            "--data-checksums",
        ]
    )
    unfinished.rename(data)
    return True


def prepare(paths: Paths, roles: Mapping[str, str], passwords: Mapping[str, str]) -> None:
    """Everything, then the server that did it is stopped again. `roles`: role → database, owners first.

    Raises PrepareError.
    """
    programs, data = paths.programs, paths.data
    made = make_data_folder(programs, data)
    print(f"data folder {data}: {'made' if made else 'found'}", flush=True)  # noqa: T201
    options = f"-c listen_addresses='' -c unix_socket_directories={paths.socket} -c hba_file={paths.hba}"
    control = [str(programs / "pg_ctl"), f"--pgdata={data}", "--wait", "--silent"]
    # Without a log file of its own the server would hold our end of pg_ctl's pipes, and reading them never end.
    log = paths.socket / "prepare.log"
    try:
        _run([*control, "start", f"--log={log}", f"--options={options}"])
    except PrepareError as error:
        said = log.read_text("utf-8", "replace")[-2000:] if log.exists() else ""
        raise PrepareError(f"{error} {said}".strip()) from error
    try:
        sql = _STOP + _COMMON + _all_statements(roles, passwords, superuser=True)
        _run(
            [
                str(programs / "psql"),
                "--no-psqlrc",
                "--quiet",
                f"--host={paths.socket}",
                "--username=postgres",
                "--dbname=postgres",
            ],
            sql,
        )
    finally:
        _run([*control, "stop", "--mode=fast"])
    print(f"roles and databases: {', '.join(roles)}", flush=True)  # noqa: T201


@dataclass(frozen=True)
class Server:
    """A cloud's server and who may make roles on it. PGSSLMODE and PGSSLROOTCERT say how its certificate is checked."""

    host: str
    port: int
    administrator: str
    password: str = field(repr=False)


def prepare_managed(programs: Path, server: Server, roles: Mapping[str, str], passwords: Mapping[str, str]) -> None:
    """Roles and databases on a server that is not ours. Raises PrepareError."""
    _run(
        [
            str(programs / "psql"),
            "--no-psqlrc",
            "--quiet",
            f"--host={server.host}",
            f"--port={server.port}",
            f"--username={server.administrator}",
            "--dbname=postgres",
        ],
        _STOP + _all_statements(roles, passwords, superuser=False),
        {"PGPASSWORD": server.password, "PGCONNECT_TIMEOUT": "10"},
    )
    print(f"roles and databases: {', '.join(roles)}", flush=True)  # noqa: T201


def _all_statements(roles: Mapping[str, str], passwords: Mapping[str, str], *, superuser: bool) -> str:
    return "".join(
        role_statements(role, database, scram_verifier(passwords[role], secrets.token_bytes(16)), superuser=superuser)
        for role, database in roles.items()
    )


def _run(command: list[str], text: str = "", variables: Mapping[str, str] | None = None) -> None:
    environment = {**os.environ, **(variables or {})}
    done = subprocess.run(
        command, input=text, text=True, capture_output=True, check=False, timeout=300, env=environment
    )
    if done.returncode:
        raise PrepareError(f"{Path(command[0]).name} ended with {done.returncode}: {done.stderr.strip()[-2000:]}")


def main() -> int:
    """Command line of both. Passwords are files in `--passwords`, named by role, and `administrator`'s beside them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=Path, required=True)
    parser.add_argument("--passwords", type=Path, required=True)
    parser.add_argument("--role", action="append", default=[], metavar="ROLE=DATABASE")
    for name in ("data", "socket", "hba"):
        parser.add_argument(f"--{name}", type=Path, help="of a server of ours")
    parser.add_argument("--server", metavar="HOST:PORT", help="of a cloud's server")
    parser.add_argument("--administrator", help="who may make roles there")
    arguments = parser.parse_args()
    roles = dict(pair.split("=", 1) for pair in arguments.role)
    os.umask(0o077)
    try:
        passwords = {role: _password(arguments.passwords, role) for role in roles}
        if arguments.server:
            host, _, port = arguments.server.rpartition(":")
            administrator = _password(arguments.passwords, "administrator")
            server = Server(host, int(port), arguments.administrator, administrator)
            prepare_managed(arguments.programs, server, roles, passwords)
        else:
            prepare(Paths(arguments.programs, arguments.data, arguments.socket, arguments.hba), roles, passwords)
    except (PrepareError, OSError) as error:
        print(f"preparing the database failed: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _password(folder: Path, name: str) -> str:
    return (folder / name).read_text("ascii").strip()


if __name__ == "__main__":
    sys.exit(main())
