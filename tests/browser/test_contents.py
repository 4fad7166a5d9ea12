"""What runs in a workspace, as its members see it: live, with causes, logs to open, and things to stop."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from components.names import Role
from controlplane.quotas.model import Quota
from controlplane.workspaces.model import WorkspaceCreate, WorkspaceState
from controlplane.workspaces.service import WorkspaceService
from tests.browser.installation import ADMIN, Installation
from tests.browser.visitor import Visitor
from tests.contract.controlplane.contents import Things, condition
from tests.contract.reconcile.world import until

TENANT = "run-lab"
HOME = f"/workspaces/{TENANT}/dev"


@pytest.fixture(scope="module")
def things(site: Installation) -> Things:
    """A workspace in the cluster with a member and a viewer, and a hand that makes things in it."""
    member, viewer = site.account("run-member"), site.account("run-viewer")
    site.tenant(TENANT, "Running things", **{member: Role.MEMBER, viewer: Role.VIEWER})
    return _workspace(site, "dev")


@pytest.fixture(scope="module")
def empty(site: Installation, things: Things) -> Things:
    """A second workspace of the same people, in which nothing was made."""
    return _workspace(site, "empty")


def _workspace(site: Installation, name: str) -> Things:
    quota = Quota(cpu="4", memory="8Gi", storage="10Gi", pods=20)
    with site.runtime.work(site.principal(ADMIN)) as work:
        made = WorkspaceService(work).create(TENANT, WorkspaceCreate(name=name, title="Research", quota=quota))

    def ready() -> bool:
        with site.runtime.work(site.principal(ADMIN)) as work:
            return WorkspaceService(work).get(TENANT, name).state is WorkspaceState.READY

    with site.worker():
        until("the workspace is ready", ready, 90)
    return Things(site.world.admin, made.workspace.namespace)


def test_an_empty_workspace_teaches_and_fills_by_itself(visitor: Visitor, empty: Things) -> None:
    visitor.sign_in("run-member")
    visitor.go(f"/workspaces/{TENANT}/empty")
    page = visitor.page
    expect(page.get_by_text("A notebook is a computer in your browser")).to_be_visible()
    expect(page.get_by_text("TrainerClient().train(")).to_be_visible()
    job = empty.trainjob("nightly", suspend=True)
    message = (
        "couldn't assign flavors to pod set main: insufficient unused quota for cpu in flavor default, 1 more needed"
    )
    empty.workload(job, [condition("QuotaReserved", "False", "Pending", message)])
    expect(page.get_by_role("link", name="nightly", exact=True)).to_be_visible()
    expect(page.get_by_text("until others of the tenant end: 1 cpu more needed")).to_be_visible()
    expect(page.get_by_text("Waiting in the queue")).to_be_visible()


def test_a_job_shows_its_pods_and_is_stopped_by_keyboard(visitor: Visitor, things: Things) -> None:
    things.job("hourly", parallelism=1)
    visitor.sign_in("run-member")
    visitor.go(f"{HOME}/contents?group=jobs")
    page = visitor.page
    page.get_by_role("link", name="hourly", exact=True).press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Job hourly")
    expect(page.get_by_role("heading", name="Pods")).to_be_visible()
    expect(page.locator("#log")).to_contain_text("It has written nothing yet")
    page.get_by_role("button", name="Stop").press("Enter")
    expect(page.get_by_text("hourly is being stopped.")).to_be_visible()
    expect(page.locator("#state")).to_contain_text("Stopped")
    page.get_by_role("button", name="Resume").press("Enter")
    expect(page.get_by_text("hourly is resumed.")).to_be_visible()
    page.get_by_role("button", name="Delete").press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Delete")).to_be_focused()
    dialog.get_by_role("button", name="Delete").press("Enter")
    expect(page.get_by_text("hourly is being deleted.")).to_be_visible()
    expect(page.get_by_role("link", name="hourly", exact=True)).to_have_count(0)


def test_a_viewer_sees_and_changes_nothing(visitor: Visitor, things: Things) -> None:
    things.tfjob(
        "seen", {"conditions": [condition("Running", "True", "R")], "replicaStatuses": {"Worker": {"active": 2}}}
    )
    visitor.sign_in("run-viewer")
    visitor.go(f"{HOME}/contents/tfjob/seen")
    page = visitor.page
    expect(page.get_by_text("2 of 2 replicas")).to_be_visible()
    assert page.get_by_role("button", name="Stop").count() == 0
    assert page.get_by_role("link", name="Delete").count() == 0
    visitor.expect(404)
    visitor.go(f"{HOME}/contents/secret/seen")
    assert visitor.heading() == "Not found"


def test_pages_of_what_runs_hold_at_360_pixels(visitor: Visitor, things: Things) -> None:
    things.make(
        "serving.kserve.io/v1beta1", "InferenceService", "an-endpoint-with-a-rather-long-name",
        {"conditions": [condition("Ready", "True", "R")]},
        spec={"predictor": {"model": {"modelFormat": {"name": "mlflow"}, "storageUri": "models:/sales/1"}}},
    )  # fmt: skip
    visitor.sign_in("run-member")
    visitor.page.set_viewport_size({"width": 360, "height": 740})
    for path in ("", "/contents", "/contents/inferenceservice/an-endpoint-with-a-rather-long-name", "/promotions",
                 "/lineage"):  # fmt: skip
        visitor.go(HOME + path)
        assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 360, path
