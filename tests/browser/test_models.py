"""Models, promotions and lineage in the console, with a real MLflow behind it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from components.names import Role, tenant_group
from components.tracking.objects import HOST
from controlplane.quotas.model import Quota
from controlplane.workspaces.model import WorkspaceCreate, WorkspaceState
from controlplane.workspaces.service import WorkspaceService
from tests.browser.installation import ADMIN, TRACKING_SECRET, Installation
from tests.browser.looks import check_page
from tests.browser.pages import PAGES_OF_WORK
from tests.browser.visitor import Visitor
from tests.contract.controlplane.contents import Things
from tests.contract.reconcile.world import until
from tests.servers.postgres import Postgres
from tests.servers.storage import StorageServer
from tests.servers.tracking import InterpreterMissing, TrackingServer, interpreter

pytestmark = pytest.mark.timeout(400)
TENANT = "model-lab"
HOME = f"/workspaces/{TENANT}/dev"
TEMPLATE_SPEC = {
    "entrypoint": "main", "templates": [{"name": "main", "suspend": {}}],
    "arguments": {"parameters": [{"name": "rate", "value": "0.1", "description": "Learning rate."}]},
}  # fmt: skip
ORIGIN = {
    "mlp.io/origin-kind": "TrainJob", "mlp.io/origin-name": "nightly", "mlp.io/pod": "nightly-node-0-0",
    "mlp.io/image": "registry.mlp.local/workspace:1", "mlflow.source.git.commit": "0123456789abcdef",
    "mlflow.source.name": "train.py",
}  # fmt: skip


class Mlflow:
    """A member's own calls of MLflow, as the gateway passes them on."""

    def __init__(self, server: TrackingServer, namespace: str) -> None:
        self._server = server
        groups = (tenant_group(TENANT, Role.MEMBER),)
        self._as = {"user": "user:model-member", "groups": groups, "workspace": namespace}

    def __call__(self, path: str, body: object) -> dict[str, dict[str, object]]:
        status, answer = self._server.ask("POST", f"/api/2.0/mlflow/{path}", body, **self._as)  # type: ignore[arg-type]
        assert status == 200, answer
        found: dict[str, dict[str, object]] = answer
        return found

    def versions(self, model: str, *accuracies: float) -> list[str]:
        """A version for each accuracy; gives their runs."""
        self("registered-models/create", {"name": model, "description": "Forecast of next week's sales."})
        experiment = self("experiments/create", {"name": f"experiment-{model}"})["experiment_id"]
        runs = []
        for accuracy in accuracies:
            tags = [{"key": key, "value": value} for key, value in ORIGIN.items()]
            made = self("runs/create", {"experiment_id": experiment, "start_time": 1_700_000_000_000, "tags": tags})
            run = str(made["run"]["info"]["run_id"])  # type: ignore[index]
            source = json.dumps({"uri": "s3://sales/2026-01.parquet"})
            dataset = {"name": "sales", "digest": "4f2a", "source_type": "s3", "source": source}
            self("runs/log-inputs", {"run_id": run, "datasets": [{"tags": [], "dataset": dataset}]})
            self("runs/log-batch", {
                "run_id": run, "params": [{"key": "lr", "value": "0.01"}],
                "metrics": [{"key": "accuracy", "value": accuracy, "timestamp": 1, "step": 0}],
            })  # fmt: skip
            self("runs/update", {"run_id": run, "status": "FINISHED", "end_time": 1_700_000_060_000})
            self("model-versions/create", {"name": model, "source": f"runs:/{run}/model", "run_id": run})
            runs.append(run)
        return runs


@pytest.fixture(scope="module")
def server(site: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackingServer]:
    try:
        interpreter()
    except InterpreterMissing as missing:
        pytest.skip(str(missing))
    postgres, storage = Postgres().start(), StorageServer(tmp_path_factory.mktemp("s3")).start()
    folder = tmp_path_factory.mktemp("tracking")
    running = TrackingServer(folder, site.world.server, postgres, storage, TRACKING_SECRET)
    running.port = site.tracking_port
    running.allow_hosts(HOST, "127.0.0.1")
    try:
        running.migrate()
        yield running.start(180)
    finally:
        running.stop()
        storage.stop()
        postgres.close()


@pytest.fixture(scope="module")
def runs(site: Installation, server: TrackingServer) -> list[str]:
    """Runs behind two versions of a model that an endpoint serves, in a workspace with a member and an admin."""
    member, admin = site.account("model-member"), site.account("model-admin")
    site.tenant(TENANT, "Models", **{member: Role.MEMBER, admin: Role.ADMIN})
    quota = Quota(cpu="4", memory="8Gi", storage="10Gi", pods=20)
    with site.runtime.work(site.principal(ADMIN)) as work:
        made = WorkspaceService(work).create(TENANT, WorkspaceCreate(name="dev", title="Research", quota=quota))

    def ready() -> bool:
        with site.runtime.work(site.principal(ADMIN)) as work:
            return WorkspaceService(work).get(TENANT, "dev").state is WorkspaceState.READY

    with site.worker():
        until("the workspace is ready", ready, 120)
    things = Things(site.world.admin, made.workspace.namespace)
    things.trainjob("nightly")
    things.make(
        "serving.kserve.io/v1beta1", "InferenceService", "forecast",
        spec={"predictor": {"model": {"modelFormat": {"name": "mlflow"}, "storageUri": "models:/sales/2"}}},
    )  # fmt: skip
    things.make("argoproj.io/v1alpha1", "WorkflowTemplate", "train", spec=TEMPLATE_SPEC)
    mlflow = Mlflow(server, made.workspace.namespace)
    mlflow.versions("stock", 0.95)
    return mlflow.versions("sales", 0.81, 0.95)


@pytest.fixture(scope="module")
def reader(site: Installation, browser: Browser, runs: list[str]) -> Iterator[Visitor]:
    """The tenant's admin, signed in once for all pages."""
    opened = Visitor(site, browser)
    opened.sign_in("model-admin")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def promotion(reader: Visitor) -> str:
    """The identifier of a model's promotion."""
    reader.go(f"{HOME}/models/stock/promote?version=1")
    reader.page.get_by_label("Why?").fill("The first one.")
    with reader.page.expect_navigation():
        reader.page.get_by_role("button", name="Promote").click()
    return reader.page.url.rpartition("/")[2]


@pytest.mark.parametrize("path", PAGES_OF_WORK)
def test_a_page(reader: Visitor, promotion: str, axe: str, path: str) -> None:
    """By day, by night and on a small screen, in one visit."""
    reader.expect(*([422] if path.endswith("version=none") else []))
    check_page(reader, axe, HOME + path.format(promotion=promotion))


def test_lineage_is_walked_from_the_endpoint_to_the_job(visitor: Visitor, runs: list[str]) -> None:
    visitor.sign_in("model-member")
    visitor.go(f"{HOME}/contents?group=endpoints")
    page = visitor.page
    page.get_by_role("link", name="Lineage", exact=True).last.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Where endpoint forecast comes from")
    for name in ("sales version 2", "TrainJob nightly", "train.py", "registry.mlp.local/workspace:1"):
        expect(page.get_by_text(name).first).to_be_visible()
    page.get_by_text("2 parameters and metrics").press("Enter")
    expect(page.get_by_text("0.95")).to_be_visible()
    page.get_by_role("link", name="TrainJob nightly").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("TrainJob nightly")


def test_a_promotion_passes_a_rule_and_an_approver(visitor: Visitor, another: Visitor, runs: list[str]) -> None:
    visitor.sign_in("model-admin")
    visitor.go(f"{HOME}/promotions")
    admin = visitor.page
    admin.get_by_role("link", name="Set a rule").click()
    admin.get_by_label("Thresholds").fill("accuracy is good")
    admin.get_by_label("Approver").select_option("admin")
    visitor.expect(422)
    admin.get_by_role("button", name="Set rule").click()
    expect(admin.get_by_text("“accuracy is good” is none.").first).to_be_visible()
    admin.get_by_label("Thresholds").fill("accuracy >= 0.9")
    admin.get_by_role("button", name="Set rule").click()
    expect(admin.get_by_text("The rule is set.")).to_be_visible()

    another.sign_in("model-member")
    another.go(f"{HOME}/models")
    member = another.page
    member.get_by_role("link", name="sales", exact=True).click()
    member.get_by_role("link", name="Promote", exact=True).last.click()
    expect(member.get_by_text("accuracy >= 0.9")).to_be_visible()
    member.get_by_role("button", name="Promote").click()
    expect(member.get_by_text("accuracy must be at least 0.9; it is 0.81.")).to_be_visible()
    expect(member.locator("#state")).to_contain_text("Refused by the rule")

    another.go(f"{HOME}/models/sales/promote?version=2")
    member.get_by_label("Why?").fill("better on all of January")
    member.get_by_role("button", name="Promote").click()
    expect(member.locator("#state")).to_contain_text("Waiting for an answer")
    assert member.get_by_role("button", name="Approve").count() == 0

    visitor.go(f"{HOME}/promotions")
    expect(admin.get_by_text("Yours to answer")).to_be_visible()
    admin.get_by_role("link", name="sales version 2 as production").press("Enter")
    expect(admin.get_by_text("better on all of January")).to_be_visible()
    admin.get_by_role("button", name="Approve").press("Enter")
    expect(admin.locator("#state")).to_contain_text("Done")
    visitor.go(f"{HOME}/models/sales")
    expect(admin.get_by_text("production", exact=True)).to_be_visible()
