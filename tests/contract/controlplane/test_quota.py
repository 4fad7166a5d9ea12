"""The sum of workspace quotas never exceeds the tenant's, whoever asks at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from controlplane.errors import Refused
from controlplane.quotas.model import Quota
from controlplane.runtime import Runtime, system
from controlplane.settings import Settings
from controlplane.tenants.model import TenantCreate
from controlplane.tenants.service import TenantService
from controlplane.workspaces.model import WorkspaceCreate, WorkspaceUpdate
from controlplane.workspaces.service import WorkspaceService
from tests.contract.controlplane.conftest import SMALL, System, make_settings

pytestmark = pytest.mark.contract
ONE = Quota(cpu="1", memory="1Gi", storage="1Gi", pods=1)  # type: ignore[arg-type]
TEN = Quota(cpu="10", memory="10Gi", storage="10Gi", pods=10)  # type: ignore[arg-type]


@pytest.fixture
def runtime(settings: Settings) -> Iterator[Runtime]:
    made = Runtime.make(make_settings(settings.database_url.get_secret_value(), database_pool=12))
    with made.work(system("test")) as work:
        TenantService(work).create(TenantCreate(slug="acme", quota=TEN))
    yield made
    made.close()


def _allocated(runtime: Runtime) -> Quota:
    with runtime.work(system("test")) as work:
        return TenantService(work).get("acme").allocated


def test_fifty_at_once_never_oversell(runtime: Runtime) -> None:
    def create(n: int) -> bool:
        try:
            with runtime.work(system("test")) as work:
                WorkspaceService(work).create("acme", WorkspaceCreate(name=f"w{n}", quota=ONE))
        except Refused:
            return False
        return True

    with ThreadPoolExecutor(12) as pool:
        made = list(pool.map(create, range(50)))
    assert made.count(True) == 10
    assert _allocated(runtime) == TEN


def test_fifty_raises_at_once_never_oversell(runtime: Runtime) -> None:
    with runtime.work(system("test")) as work:
        for n in range(5):
            WorkspaceService(work).create("acme", WorkspaceCreate(name=f"w{n}", quota=ONE))

    def grow(n: int) -> None:
        try:
            with runtime.work(system("test")) as work:
                service = WorkspaceService(work)
                now = service.get("acme", f"w{n % 5}").quota
                service.update("acme", f"w{n % 5}", WorkspaceUpdate(quota=now + ONE))
        except Refused:
            return

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(grow, range(50)))
    allocated = _allocated(runtime)
    assert not allocated.exceeds(TEN)
    assert allocated.cpu > 5000


def test_a_tenant_does_not_shrink_below_its_workspaces(mlp: System) -> None:
    root, ada = mlp.caller("root"), mlp.caller("ada")
    ada.post("/tenants/acme/workspaces", {"name": "lab", "quota": SMALL}, 202)
    small = {"cpu": "500m", "memory": "8Gi", "storage": "20Gi"}
    refused = root.patch("/tenants/acme", {"quota": small}, 422)
    assert refused["code"] == "quota-below-allocated"
    assert [e["field"] for e in refused["errors"]] == ["body.quota.cpu"]
    too_much = ada.post("/tenants/acme/workspaces", {"name": "huge", "quota": {**SMALL, "cpu": "100"}}, 403)
    assert too_much["code"] == "quota"
    assert "cpu" in too_much["detail"]
