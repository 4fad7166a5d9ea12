"""A workspace in a real cluster with its tenant's people, for tests of what runs in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from controlplane.app import create_app
from controlplane.contents.cluster import Cluster
from controlplane.operations.runner import Runner
from controlplane.outside import Outside
from controlplane.reconcile.service import Reconciler
from controlplane.tracking.client import Tracking
from controlplane.worker import handlers
from tests.contract.controlplane.conftest import Caller, System
from tests.contract.controlplane.contents import Things
from tests.contract.reconcile.world import FACTS, RememberedStorage, World, some_slug

QUOTA = {"cpu": "4", "memory": "8Gi", "storage": "4Gi", "pods": 20}


@dataclass
class Lab:
    """`things` is a hand that makes things in the workspace as a cluster's administrator."""

    mlp: System
    tenant: str
    path: str
    namespace: str
    things: Things
    ada: Caller
    mo: Caller
    vi: Caller
    root: Caller

    def items(self, query: str = "") -> dict[str, dict[str, Any]]:
        """What the viewer sees, by name."""
        return {item["name"]: item for item in self.vi.get(f"{self.path}/contents{query}")["items"]}

    def audited(self, action: str) -> list[dict[str, Any]]:
        """The tenant's audit of an action, newest first."""
        found: list[dict[str, Any]] = self.root.get(f"/tenants/{self.tenant}/audit?action={action}")["items"]
        return found


@contextmanager
def laboratory(mlp: System, world: World, tracking: Tracking | None = None) -> Iterator[Lab]:
    """`ada` is admin, `mo` member, `vi` viewer of the workspace's tenant; `root` is of none."""
    reconciler = Reconciler(world.control_plane, RememberedStorage(), FACTS)
    mlp.runner = Runner(mlp.runtime, handlers(reconciler), "test-worker")
    facts = mlp.runtime.settings.facts.model_copy(update={"components": ("training", "notebooks")})
    mlp.runtime.settings = mlp.runtime.settings.model_copy(update={"facts": facts})
    outside = Outside(cluster=Cluster(world.web), tracking=tracking)
    mlp.app = create_app(mlp.runtime.settings, runtime=mlp.runtime, outside=outside)
    slug = some_slug("lab")
    root = mlp.caller("root")
    root.post("/tenants", {"slug": slug, "quota": QUOTA}, 201)
    for name, role in (("ada", "admin"), ("mo", "member"), ("vi", "viewer")):
        mlp.member(slug, name, role)  # type: ignore[arg-type]
    change = root.post(f"/tenants/{slug}/workspaces", {"name": "dev", "quota": QUOTA}, 202)
    mlp.drain()
    namespace = change["workspace"]["namespace"]
    assert root.get(f"/tenants/{slug}/workspaces/dev")["state"] == "ready"
    world.settle_rights(slug, namespace)
    world.settle_quotas(namespace)
    try:
        yield Lab(
            mlp, slug, f"/tenants/{slug}/workspaces/dev", namespace, Things(world.admin, namespace),
            mlp.caller("ada"), mlp.caller("mo"), mlp.caller("vi"), root,
        )  # fmt: skip
    finally:
        mlp.runner.heart.stop()
        reconciler.close()
