"""A real PostgreSQL with the migrated tables, a database per test, and the application on top of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from components import catalog
from components.names import Role
from controlplane import migrations
from controlplane.app import create_app
from controlplane.auth.model import Scope
from controlplane.auth.passwords import hash_password
from controlplane.auth.repository import AccountRow, account_by_name
from controlplane.auth.service import AuthService
from controlplane.auth.tokens import TokenService
from controlplane.db import make_engine
from controlplane.members.model import MemberCreate
from controlplane.members.service import MemberService
from controlplane.operations.runner import Runner
from controlplane.quotas.model import Quota
from controlplane.runtime import Runtime, system
from controlplane.settings import Settings
from controlplane.tenants.model import Rules, TenantCreate
from controlplane.tenants.service import TenantService
from controlplane.worker import handlers
from tests.contract.controlplane.cluster import MemoryCluster
from tests.servers.facts import facts
from tests.servers.postgres import Postgres
from tests.servers.valkey import Valkey

PASSWORD = "correct horse battery staple"
GATEWAY_SECRET = "test-only-gateway-secret"
_NUMBERS = count()


@cache
def _hashed() -> str:
    """Hashing is slow on purpose; once is enough."""
    return hash_password(PASSWORD)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    server = Postgres().start()
    try:
        server.sql("CREATE ROLE controlplane LOGIN")
        server.sql("CREATE ROLE controlplaneapp LOGIN")
        server.sql("CREATE DATABASE empty_template OWNER controlplane")
        server.sql("CREATE DATABASE migrated_template OWNER controlplane")
        engine = make_engine(server.url("migrated_template", "controlplane"), pool=1)
        migrations.upgrade(engine, "controlplaneapp")
        engine.dispose()
        yield server
    finally:
        server.close()


@pytest.fixture(scope="session")
def valkey() -> Iterator[Valkey]:
    server = Valkey().start()
    try:
        yield server
    finally:
        server.close()


@pytest.fixture
def database(postgres: Postgres) -> Iterator[str]:
    """The name of a migrated database of this test's own."""
    name = f"test{next(_NUMBERS)}"
    postgres.sql(f"CREATE DATABASE {name} TEMPLATE migrated_template OWNER controlplane")
    yield name
    postgres.sql(f"DROP DATABASE {name} WITH (FORCE)")


def make_settings(database_url: str, broker_url: str = "redis://127.0.0.1:1/0", **more: Any) -> Settings:
    return Settings.model_validate(
        {
            "database_url": database_url,
            "broker_url": broker_url,
            "facts": facts(),
            "gateway_secret": GATEWAY_SECRET,
            **more,
        }
    )


@pytest.fixture
def settings(postgres: Postgres, database: str) -> Settings:
    return make_settings(postgres.url(database, "controlplaneapp"))


@pytest.fixture
def feature(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a component that workspaces of this installation get only where they ask for it."""
    changed = tuple(replace(each, feature=each.name == "tracking") for each in catalog.CATALOG)
    monkeypatch.setattr(catalog, "CATALOG", changed)
    return "tracking"


@dataclass
class ListQueue:
    """A queue in memory; `System.drain` runs what it holds."""

    sent: list[UUID] = field(default_factory=list)

    def send(self, operation: UUID) -> bool:
        self.sent.append(operation)
        return True


@dataclass
class System:
    """The whole control plane in one process, but for its queue, which is drained by hand."""

    runtime: Runtime
    app: Flask
    cluster: MemoryCluster
    runner: Runner
    queue: ListQueue

    def drain(self) -> None:
        """Run what is queued, and what that queues."""
        while self.queue.sent:
            self.runner.run(self.queue.sent.pop(0))

    def account(self, name: str, *, admin: bool = False, groups: tuple[str, ...] = ()) -> None:
        with self.runtime.work(system("test")) as work:
            work.session.add(
                AccountRow(
                    id=uuid4(), name=name, title=name, password_hash=_hashed(), platform_admin=admin,
                    groups=list(groups), disabled=False, version=1, created_at=work.now,
                )
            )  # fmt: skip

    def tenant(self, slug: str, *, quota: Quota | None = None, rules: Rules | None = None) -> None:
        with self.runtime.work(system("test")) as work:
            TenantService(work).create(TenantCreate(slug=slug, quota=quota or big_quota(), rules=rules or Rules()))

    def member(self, tenant: str, name: str, role: Role) -> None:
        with self.runtime.work(system("test")) as work:
            MemberService(work).add(tenant, MemberCreate(subject=name, role=role))

    def token(self, name: str, *, scopes: tuple[Scope, ...] = tuple(Scope)) -> str:
        """A token's secret."""
        with self.runtime.work() as work:
            row = account_by_name(work.session, name)
            assert row is not None
            principal = work.caller = AuthService(work).principal_of(row)
            made = TokenService(work).issue(
                principal, name="test", scopes=scopes, tenant=None, expires_at=work.later(days=1)
            )
            return made.secret

    def caller(self, name: str) -> Caller:
        return Caller(self.app.test_client(), self.token(name))


@dataclass
class Caller:
    """Calls the API as somebody, with a token."""

    client: FlaskClient
    secret: str

    def __call__(self, method: str, path: str, **options: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.secret}", **options.pop("headers", {})}
        return self.client.open(f"/api/v1{path}", method=method, headers=headers, **options)

    def get(self, path: str, status: int = 200) -> Any:
        return self._expect(self("GET", path), status)

    def post(self, path: str, body: Any = None, status: int = 200, **headers: str) -> Any:
        options: dict[str, Any] = {"headers": headers}
        if body is not None:
            options["json"] = body
        return self._expect(self("POST", path, **options), status)

    def patch(self, path: str, body: Any, status: int = 200, **headers: str) -> Any:
        return self._expect(self("PATCH", path, json=body, headers=headers), status)

    def delete(self, path: str, status: int = 202) -> Any:
        return self._expect(self("DELETE", path), status)

    @staticmethod
    def _expect(response: TestResponse, status: int) -> Any:
        assert response.status_code == status, f"{response.status_code}: {response.text}"
        return response.get_json(silent=True)


def big_quota() -> Quota:
    return Quota(cpu="20", memory="40Gi", storage="100Gi", pods=200)  # type: ignore[arg-type]


SMALL = {"cpu": "1", "memory": "1Gi", "storage": "1Gi", "pods": 10}


@pytest.fixture
def system_under_test(settings: Settings) -> Iterator[System]:
    runtime = Runtime.make(settings)
    queue = ListQueue()
    runtime.queue = queue
    cluster = MemoryCluster()
    runner = Runner(runtime, handlers(cluster), "test-worker")
    app = create_app(settings, runtime=runtime)
    yield System(runtime, app, cluster, runner, queue)
    runner.heart.stop()
    runtime.close()


@pytest.fixture
def mlp(system_under_test: System) -> System:
    """With a platform admin `root`, a tenant `acme` and its `ada` (admin), `mo` (member), `vi` (viewer); and `eve`,
    admin of `evil`."""
    made = system_under_test
    made.account("root", admin=True)
    for slug in ("acme", "evil"):
        made.tenant(slug)
    for name, tenant, role in (
        ("ada", "acme", Role.ADMIN),
        ("mo", "acme", Role.MEMBER),
        ("vi", "acme", Role.VIEWER),
        ("eve", "evil", Role.ADMIN),
    ):
        made.account(name)
        made.member(tenant, name, role)
    return made
