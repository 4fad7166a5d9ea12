"""`python -m controlplane.manage`: what is done beside serving.

migrate           bring the tables to this version, as their owner, and grant the application's role its rights
bootstrap-admin   the first platform admin, from a secret file; nothing where an admin exists already
verify-audit      prove every audit chain; exit code 1 names the first bad one
wait-migrated     until the tables are of this version, two minutes at most
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.engine import make_url

from controlplane import logs, migrations
from controlplane import settings as settings_module
from controlplane.audit import chain
from controlplane.audit.repository import AuditChainRow
from controlplane.audit.service import AuditService
from controlplane.auth import repository as accounts
from controlplane.auth.accounts import AccountService
from controlplane.auth.model import AccountCreate
from controlplane.db import make_engine
from controlplane.errors import Unavailable
from controlplane.operations.log import lock_name
from controlplane.runtime import Runtime, system
from controlplane.settings import Settings, SettingsError

log = logging.getLogger(__name__)
_PATIENCE = 120.0


def migrate(settings: Settings) -> None:
    """Waits up to two minutes for the database. Safe to run from several pods at once."""
    if settings.owner_database_url is None:
        raise SettingsError("MLP_OWNER_DATABASE_URL is not set; the migration runs as the tables' owner")
    owner = settings.owner_database_url.get_secret_value()
    application = make_url(settings.database_url.get_secret_value()).username or ""
    engine = make_engine(owner, pool=2, statement_seconds=120)
    try:
        migrations.upgrade(engine, application, patience=_PATIENCE)
    finally:
        engine.dispose()


def bootstrap_admin(settings: Settings, name: str = "admin") -> bool:
    """Whether an account was made."""
    if settings.first_admin_password is None:
        raise SettingsError("MLP_FIRST_ADMIN_PASSWORD_FILE is not set")
    runtime = Runtime.make(settings.model_copy(update={"database_pool": 1}))
    try:
        with runtime.work(system("bootstrap")) as work:
            lock_name(work.session, "bootstrap-admin")
            if accounts.active_admins(work.session):
                log.info("a platform admin exists already")
                return False
            command = AccountCreate(
                name=name, title="Platform admin", platform_admin=True,
                password=settings.first_admin_password.get_secret_value(),
            )  # fmt: skip
            AccountService(work).create(command)
            log.info("first platform admin made", extra={"account": name})
            return True
    finally:
        runtime.close()


def verify_audit(settings: Settings) -> bool:
    """Whether every chain is intact; prints one line per chain."""
    runtime = Runtime.make(settings.model_copy(update={"database_pool": 1}))
    intact = True
    try:
        with runtime.work(system("verify")) as work:
            for row in work.session.scalars(select(AuditChainRow).order_by(AuditChainRow.chain)).all():
                events = (e for e in AuditService(work).read(row.chain) if e.seq <= row.seq)
                result = chain.verify(row.chain, events, row.head, row.seq)
                intact = intact and result.intact
                sys.stdout.write(result.model_dump_json() + "\n")
    finally:
        runtime.close()
    return intact


def wait_migrated(settings: Settings) -> None:
    """Until the tables are of this version or newer; Unavailable after two minutes."""
    engine = make_engine(settings.database_url.get_secret_value(), pool=1)
    deadline = time.monotonic() + _PATIENCE
    try:
        while not migrations.is_current(engine):
            if time.monotonic() > deadline:
                raise Unavailable("The tables were not brought to this version within two minutes.")
            time.sleep(0.5)
    finally:
        engine.dispose()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m controlplane.manage", description=__doc__.split("\n", 1)[0])
    parser.add_argument("command", choices=["migrate", "bootstrap-admin", "verify-audit", "wait-migrated"], nargs="+")
    given = parser.parse_args(arguments)
    settings = settings_module.load(os.environ)
    logs.init(settings.log_level)
    for command in given.command:
        if command == "migrate":
            migrate(settings)
        elif command == "bootstrap-admin":
            bootstrap_admin(settings)
        elif command == "wait-migrated":
            wait_migrated(settings)
        elif not verify_audit(settings):
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
