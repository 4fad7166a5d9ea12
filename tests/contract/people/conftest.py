"""The whole way of a person to the Kubernetes API: real nginx, control plane, PostgreSQL and API server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from werkzeug.serving import WSGIRequestHandler, make_server

from components.control_plane.people import people_objects
from components.names import PEOPLE_SERVICE_ACCOUNT, SYSTEM_NAMESPACE, Role, tenant_group
from controlplane.app import create_app
from controlplane.gate.tokens import PeopleTokens
from controlplane.kube.client import Access
from controlplane.kube.resources import Resource
from controlplane.operations.repository import due
from controlplane.operations.runner import Runner
from controlplane.reconcile.people import PeopleRole
from controlplane.reconcile.service import Reconciler
from controlplane.tenants.people import People
from controlplane.wiring import make_people_tokens
from controlplane.worker import handlers
from tests.contract.controlplane.conftest import (  # noqa: F401 - fixtures
    System,
    database,
    postgres,
    settings,
    system_under_test,
    valkey,
)
from tests.contract.reconcile.world import FACTS, RememberedStorage, World, access, some_slug
from tests.servers.gateway import Gateway, gateway, hop_secret
from tests.servers.kubernetes import kubernetes

QUOTA = {"cpu": "2", "memory": "4Gi", "storage": "4Gi", "pods": 10}


class _Quiet(WSGIRequestHandler):
    def log(self, *_: Any) -> None:
        """Quiet."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In one worker: they share an API server of their own."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("people"))


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """On an API server of these tests' own: the role that speaks for people is one for the whole server."""
    with kubernetes() as server:
        made = World(server, Path(tmp_path_factory.mktemp("people")))
        for obj in people_objects():
            made.admin.apply(obj)
        yield made
        made.close()


@dataclass
class Front:
    """The gateway, what is behind it, and who is who: `ada` is admin, `mo` member and `vi` viewer of `tenant`, `eve`
    admin of `other`; `root` administers the platform."""

    system: System
    world: World
    gateway: Gateway
    people: People
    tokens: PeopleTokens
    tenant: str
    other: str
    namespace: str
    """Of the tenant's workspace `lab`."""
    foreign: str
    """Of the other tenant's workspace `lab`."""

    def ask(
        self, token: str, method: str, path: str, body: Any = None, content_type: str = "application/json",
        headers: list[tuple[str, str]] | None = None,
    ) -> tuple[int, Any]:  # fmt: skip
        """Status and document of one call below /kubernetes."""
        answer, text = self.send(token, method, f"/kubernetes{path}", body, content_type, headers)
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, text.decode(errors="replace")

    def send(
        self, token: str, method: str, path: str, body: Any = None, content_type: str = "application/json",
        headers: list[tuple[str, str]] | None = None,
    ) -> tuple[HTTPResponse, bytes]:  # fmt: skip
        """The same of any path, as it comes."""
        sent = [("Authorization", f"Bearer {token}")] if token else []
        sent += [("Accept", "application/json"), *(headers or [])]
        if body is None:
            return self.gateway.ask(method, path, sent)
        return self.gateway.ask(method, path, [*sent, ("Content-Type", content_type)], json.dumps(body).encode())

    def who(self, token: str, headers: list[tuple[str, str]] | None = None) -> dict[str, Any]:
        """Whom the API server takes the caller for."""
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        code, found = self.ask(
            token, "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", review, headers=headers
        )
        assert code == 201, found
        user: dict[str, Any] = found["status"]["userInfo"]
        return user

    def drain(self) -> None:
        """Run operations until none is due."""
        for _ in range(200):
            self.system.drain()
            with self.system.runtime.work() as work:
                again = [operation for operation, _ in due(work.session, work.now, work.now)]
            if not again:
                return
            self.system.queue.sent += again

    def settle(self, *tenants: str) -> None:
        """Waits until people can be spoken for in the groups of these tenants: the API server comes to know the list of
        groups a moment after it was written."""
        for tenant in tenants:
            for role in Role:
                self.world.settle_access(_speaking(tenant_group(tenant, role)), right=True)


def _speaking(group: str) -> Access:
    account = f"system:serviceaccount:{SYSTEM_NAMESPACE}:{PEOPLE_SERVICE_ACCOUNT}"
    groups = Resource("v1", "Group", "groups", namespaced=False)
    return access(account, verb="impersonate", kind=groups, name=group)


@pytest.fixture
def front(system_under_test: System, world: World, tmp_path: Path) -> Iterator[Front]:  # noqa: F811
    mlp = system_under_test
    mlp.runtime.settings = mlp.runtime.settings.model_copy(
        update={"gateway_secret": SecretStr(hop_secret("control-plane"))}
    )
    tokens = make_people_tokens(world.web)
    mlp.app = create_app(mlp.runtime.settings, runtime=mlp.runtime, people=tokens)
    reconciler = Reconciler(world.control_plane, RememberedStorage(), FACTS)
    mlp.runner.heart.stop()
    people = People(mlp.runtime, PeopleRole(world.control_plane))
    mlp.runner = Runner(mlp.runtime, handlers(reconciler, people), "test")
    server = make_server("127.0.0.1", 0, mlp.app, threaded=True, request_handler=_Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    tenant, other = some_slug("a"), some_slug("b")
    mlp.account("root", admin=True)
    namespaces = []
    for slug in (tenant, other):
        mlp.tenant(slug)
        change = mlp.caller("root").post(f"/tenants/{slug}/workspaces", {"name": "lab", "quota": QUOTA}, 202)
        namespaces.append(change["workspace"]["namespace"])
    for name, where, role in (
        ("ada", tenant, Role.ADMIN), ("mo", tenant, Role.MEMBER), ("vi", tenant, Role.VIEWER),
        ("eve", other, Role.ADMIN),
    ):  # fmt: skip
        mlp.account(name)
        mlp.member(where, name, role)
    (tmp_path / "gateway").mkdir()
    with gateway(tmp_path / "gateway", control_plane_port=server.server_port, kubernetes=world.server) as running:
        known = mlp.runtime.settings.facts.model_copy(
            update={
                "public_url": f"https://localhost:{running.port}",
                "ca_certificate": (tmp_path / "gateway" / "pki" / "ca.crt").read_text(),
            }
        )
        mlp.runtime.settings = mlp.runtime.settings.model_copy(update={"facts": known})
        made = Front(mlp, world, running, people, tokens, tenant, other, *namespaces)
        made.drain()
        made.settle(tenant, other)
        for slug, namespace in zip((tenant, other), namespaces, strict=True):
            world.settle_rights(slug, namespace)
            world.settle_quotas(namespace)
        yield made
    server.shutdown()
    server.server_close()
    mlp.runner.heart.stop()
    reconciler.close()


@pytest.fixture
def desk(front: Front, tmp_path: Path) -> Any:
    """Of `mo`."""
    from tests.contract.people.desk import Desk

    (tmp_path / "desk").mkdir()
    return Desk(front, tmp_path / "desk", "mo")
