"""A workspace with a real MLflow behind it, for tests of what the control plane does there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from components.facts import Endpoint
from components.names import Role, tenant_group
from components.tracking import rbac
from tests.contract.reconcile.world import World, some_slug
from tests.servers.postgres import Postgres
from tests.servers.storage import StorageServer
from tests.servers.tracking import InterpreterMissing, TrackingServer, interpreter

_RBAC = "rbac.authorization.k8s.io"


@dataclass(frozen=True)
class Tracked:
    """A workspace of tenant acme; `other` is one in which the workload account has no rights."""

    world: World
    server: TrackingServer
    namespace: str
    other: str

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(url=f"http://127.0.0.1:{self.server.port}", namespace="mlp-tracking", port=self.server.port)

    def mlflow(self, method: str, path: str, body: dict[str, Any]) -> Any:
        """As a member of the workspace."""
        status, answer = self.server.ask(
            method, f"/api/2.0/mlflow/{path}", body, user="user:mo", groups=(tenant_group("acme", Role.MEMBER),),
            workspace=self.namespace,
        )  # fmt: skip
        assert status == 200, answer
        return answer


@contextmanager
def tracked(world: World, folder: Callable[[str], Path]) -> Iterator[Tracked]:
    """Skips the test where the image's Python is missing."""
    try:
        interpreter()
    except InterpreterMissing as missing:
        pytest.skip(str(missing))
    namespace, other = (f"ws-acme--{some_slug('x')}" for _ in range(2))
    for each in (namespace, other):
        metadata = {"name": each, "labels": {"mlp.io/tenant": "acme"}}
        world.admin.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    group = {"apiGroup": _RBAC, "kind": "Group", "name": tenant_group("acme", Role.MEMBER)}
    account = {"kind": "ServiceAccount", "name": "workload", "namespace": namespace}
    for name, rules, subject in (("member", rbac.MEMBER_RULES, group), ("workload", rbac.WORKLOAD_RULES, account)):
        meta = {"name": name, "namespace": namespace}
        reference = {"apiGroup": _RBAC, "kind": "Role", "name": name}
        world.admin.apply({"apiVersion": f"{_RBAC}/v1", "kind": "Role", "metadata": meta, "rules": list(rules)})
        binding = {"metadata": meta, "roleRef": reference, "subjects": [subject]}
        world.admin.apply({"apiVersion": f"{_RBAC}/v1", "kind": "RoleBinding", **binding})
    postgres = Postgres().start()
    storage = StorageServer(folder("s3")).start()
    server = TrackingServer(
        folder("tracking"), world.server, postgres, storage, "secret-of-the-gateway-0123456789abcdef"
    )
    try:
        server.migrate()
        yield Tracked(world, server.start(), namespace, other)
    finally:
        server.stop()
        storage.stop()
        postgres.close()
