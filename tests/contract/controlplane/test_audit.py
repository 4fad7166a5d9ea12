"""The audit trail cannot be edited by the application, and what an owner edits is found."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from controlplane import migrations
from controlplane.db import Base, make_engine
from controlplane.errors import Conflict
from controlplane.members.model import MemberCreate
from controlplane.members.service import MemberService
from controlplane.runtime import system
from tests.contract.controlplane.conftest import SMALL, System
from tests.servers.postgres import Postgres

pytestmark = pytest.mark.contract


def test_the_application_may_not_change_the_trail(mlp: System) -> None:
    for statement in (
        "UPDATE audit_events SET actor = 'nobody'",
        "DELETE FROM audit_events",
        "TRUNCATE audit_events",
        "DELETE FROM audit_chains",
        "ALTER TABLE audit_events DISABLE TRIGGER ALL",
        "DROP TABLE audit_events",
        "CREATE TABLE mine (x int)",
    ):
        with mlp.runtime.engine.connect() as connection, pytest.raises(ProgrammingError):
            connection.execute(text(statement))


def test_the_owner_is_refused_by_the_trigger(mlp: System, postgres: Postgres, database: str) -> None:
    with psycopg.connect(postgres.url(database, "controlplane", driver=False)) as owner:
        for statement in ("UPDATE audit_events SET actor = 'x'", "DELETE FROM audit_events", "TRUNCATE audit_events"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"), owner.transaction():
                owner.execute(statement)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("forgery", "bad", "why"),
    [
        ("UPDATE audit_events SET actor = 'user:somebody' WHERE seq = 2 AND chain = %s", 2, "content"),
        ("""UPDATE audit_events SET after = '{"role": "viewer"}' WHERE seq = 3 AND chain = %s""", 3, "content"),
        ("DELETE FROM audit_events WHERE seq = 2 AND chain = %s", 2, "missing"),
        ("DELETE FROM audit_events WHERE seq = 4 AND chain = %s", 4, "head says"),
        ("UPDATE audit_events SET seq = 6 - seq WHERE seq IN (2, 4) AND chain = %s", 2, "does not follow"),
        ("UPDATE audit_events SET at = at + interval '1 day' WHERE seq = 1 AND chain = %s", 1, "content"),
    ],
)
def test_a_forger_with_every_right_is_found(
    mlp: System, postgres: Postgres, database: str, forgery: str, bad: int, why: str
) -> None:
    ada = mlp.caller("ada")
    before = ada.get("/tenants/acme/audit/verify")
    assert before["intact"]
    assert before["events"] == 4
    with psycopg.connect(postgres.url(database, driver=False), autocommit=True) as superuser:
        superuser.execute("SET session_replication_role = replica")
        superuser.execute("ALTER TABLE audit_events DROP CONSTRAINT pk_audit_events")
        superuser.execute(forgery.encode(), [before["chain"]])
    found = ada.get("/tenants/acme/audit/verify")
    assert (found["intact"], found["first_bad"]) == (False, bad)
    assert why in found["why"]
    other = mlp.caller("eve").get("/tenants/evil/audit/verify")
    assert other["intact"], "another tenant's chain is not touched"


def test_parallel_writers_do_not_fork_the_chain(mlp: System) -> None:
    def add(n: int) -> None:
        with mlp.runtime.work(system("test")) as work:
            MemberService(work).add("acme", MemberCreate(kind="group", subject=f"g{n}", role="viewer"))  # type: ignore[arg-type]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(40)))
    proof = mlp.caller("ada").get("/tenants/acme/audit/verify")
    assert (proof["intact"], proof["events"]) == (True, 44)


def test_what_is_undone_leaves_no_event(mlp: System) -> None:
    ada = mlp.caller("ada")
    before = ada.get("/tenants/acme/audit/verify")["events"]

    def twice() -> None:
        with mlp.runtime.work(system("test")) as work:
            for _ in range(2):
                MemberService(work).add("acme", MemberCreate(kind="group", subject="g", role="viewer"))  # type: ignore[arg-type]

    with pytest.raises(Conflict):
        twice()
    assert ada.get("/tenants/acme/audit/verify")["events"] == before


def test_secret_values_never_reach_the_trail(mlp: System) -> None:
    root = mlp.caller("root")
    root.post("/accounts", {"name": "cara", "password": "a long enough password"}, 201)
    root.patch("/accounts/cara", {"password": "a still longer password"})
    event = next(e for e in root.get("/audit")["items"] if e["action"] == "account.update")
    assert event["after"]["password"] == "[redacted]"


def test_the_migrations_make_exactly_the_tables_of_the_code(postgres: Postgres) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    engine = make_engine(postgres.url("migrated_template", "controlplane"), pool=1)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    assert migrations.is_current(engine)
    engine.dispose()
    empty = make_engine(postgres.url("empty_template", "controlplane"), pool=1)
    assert not migrations.is_current(empty)
    empty.dispose()


def test_migrating_twice_changes_nothing(mlp: System, postgres: Postgres, database: str) -> None:
    engine = make_engine(postgres.url(database, "controlplane"), pool=1)
    migrations.upgrade(engine, "controlplaneapp")
    engine.dispose()
    mlp.caller("ada").post("/tenants/acme/workspaces", {"name": "lab", "quota": SMALL}, 202)
