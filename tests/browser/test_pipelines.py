"""Pipelines in the console: the graph of a workflow that fills by itself, and starting one from a form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from components.names import Role
from controlplane.quotas.model import Quota
from controlplane.workspaces.model import WorkspaceCreate, WorkspaceState
from controlplane.workspaces.service import WorkspaceService
from tests.browser.installation import ADMIN, Installation
from tests.browser.looks import settle, violations
from tests.browser.visitor import Visitor
from tests.contract.controlplane.contents import TEMPLATE, Things
from tests.contract.reconcile.world import until
from tests.unit.contents.argo import node, workflow

TENANT = "pipe-lab"
HOME = f"/workspaces/{TENANT}/dev"
ARGO = "argoproj.io/v1alpha1"
NODES = {
    "w": node("DAG", "prepare"),
    "prepare": node("Pod", "fit-a", "fit-b", "fit-c", second=1, finishedAt="2026-01-02T03:04:41Z"),
    "fit-a": node("Pod", "join", second=2, finishedAt="2026-01-02T03:06:41Z"),
    "fit-b": node("Retry", "fit-b-0", "fit-b-1", second=3, finishedAt="2026-01-02T03:06:41Z"),
    "fit-b-0": node("Pod", phase="Failed", second=3), "fit-b-1": node("Pod", "join", second=4),
    "fit-c": node("Pod", "join", phase="Failed", second=5, message="Error (exit code 1)"),
    "join": node("TaskGroup", "evaluate-on-everything-there-is", "report"),
    "evaluate-on-everything-there-is": node("Pod", phase="Running", second=6),
    "report": node("Pod", phase="Pending", second=7),
}  # fmt: skip
SPEC: dict[str, Any] = {
    "entrypoint": "main", "templates": [{"name": "main", "suspend": {}}],
    "arguments": {"parameters": [
        {"name": "rate", "value": "0.1", "description": "Learning rate."},
        {"name": "model", "value": "small", "enum": ["small", "large"]},
        {"name": "data", "description": "Where the table lies."},
    ]},
}  # fmt: skip


@pytest.fixture(scope="module")
def things(site: Installation) -> Things:
    """A workspace with a member and a viewer who may use pipelines, and a hand that makes things in it."""
    member, viewer = site.account("pipe-member"), site.account("pipe-viewer")
    site.tenant(TENANT, "Pipelines", **{member: Role.MEMBER, viewer: Role.VIEWER})
    quota = Quota(cpu="4", memory="8Gi", storage="10Gi", pods=20)
    with site.runtime.work(site.principal(ADMIN)) as work:
        made = WorkspaceService(work).create(TENANT, WorkspaceCreate(name="dev", title="Research", quota=quota))

    def ready() -> bool:
        with site.runtime.work(site.principal(ADMIN)) as work:
            return WorkspaceService(work).get(TENANT, "dev").state is WorkspaceState.READY

    with site.worker():
        until("the workspace is ready", ready, 90)
    found = Things(site.world.admin, made.workspace.namespace)
    found.make(ARGO, "WorkflowTemplate", "train", spec=SPEC)
    return found


def _pod(things: Things, name: str, of: str) -> None:
    things.make(
        "v1", "Pod", name, spec=TEMPLATE["spec"],
        meta={"labels": {"workflows.argoproj.io/workflow": "nightly"},
              "annotations": {"workflows.argoproj.io/node-id": of}},
    )  # fmt: skip


def test_the_graph_is_drawn_fills_by_itself_and_leads_to_logs(
    visitor: Visitor, things: Things, axe: str, tmp_path: Path
) -> None:
    status = workflow(NODES, progress="4/7", artifactRepositoryRef={"artifactRepository": {"s3": {"bucket": "b"}}})
    things.make(ARGO, "Workflow", "nightly", status["status"], spec=SPEC)
    _pod(things, "nightly-fit-3", "fit-c")
    visitor.sign_in("pipe-member")
    page = visitor.page
    page.set_viewport_size({"width": 1280, "height": 1200})
    visitor.go(f"{HOME}/contents/workflow/nightly")
    graph = page.get_by_role("region", name="Graph of the steps")
    expect(graph.locator(".c-graph__box")).to_have_count(6)
    expect(graph.locator("text", has_text="Done, 2 attempts")).to_be_visible()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        settle(visitor)
        assert violations(visitor, axe) == []
        page.screenshot(path=tmp_path / f"workflow-{scheme}.png")
    too_wide = page.evaluate(
        """() => [...document.querySelectorAll(".c-graph a, .c-graph g")].filter((box) => {
             const frame = box.querySelector("rect").getBoundingClientRect();
             return [...box.querySelectorAll("text")].some((t) => t.getBoundingClientRect().right > frame.right);
           }).map((box) => box.textContent)"""
    )
    assert too_wide == [], "words stay in their boxes"
    assert visitor.shift() < 0.01

    more = NODES | {"report": node("Pod", "publish", second=7), "publish": node("Pod", phase="Running", second=8)}
    things.say(ARGO, "Workflow", "nightly", workflow(more)["status"])
    expect(graph.locator("text", has_text="publish")).to_be_visible()
    expect(graph.locator(".c-graph__box")).to_have_count(7)

    graph.get_by_role("link", name="Log of fit-c: Failed").press("Enter")
    expect(page.locator("#log")).to_contain_text("nightly-fit-3")
    assert page.url.endswith("?pod=nightly-fit-3#log")
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_template_is_run_from_a_form_by_keyboard(visitor: Visitor, things: Things, axe: str, tmp_path: Path) -> None:
    del things
    visitor.sign_in("pipe-member")
    visitor.go(HOME)
    page = visitor.page
    page.get_by_role("link", name="train", exact=True).press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Template train")
    page.get_by_role("button", name="Run", exact=True).press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("rate")).to_have_value("0.1")
    expect(dialog.get_by_text("Learning rate.")).to_be_visible()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        settle(visitor)
        assert violations(visitor, axe) == []
        page.screenshot(path=tmp_path / f"run-{scheme}.png")
    visitor.expect(422)
    dialog.get_by_label("rate").fill("0.7")
    dialog.get_by_role("button", name="Run").press("Enter")
    expect(page.get_by_text("1 field needs another value")).to_be_visible()
    expect(page.get_by_label("rate")).to_have_value("0.7")
    assert violations(visitor, axe) == []
    page.get_by_label("data").fill("s3://bucket/table")
    page.get_by_label("model").select_option("large")
    page.get_by_role("button", name="Run").press("Enter")
    expect(page.get_by_text("train is started as train-")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Workflow train-")
    run = visitor.heading().removeprefix("Workflow ")
    row = page.get_by_role("table", name="Parameters").get_by_role("row")
    expect(row.filter(has_text="rate")).to_contain_text("0.7")
    visitor.go(f"{HOME}/contents/workflowtemplate/train")
    expect(page.get_by_role("table", name="Runs").get_by_role("link", name=run)).to_have_count(1)
    page.screenshot(path=tmp_path / "template.png")


def test_a_schedule_says_when_it_comes_round_and_runs_now(visitor: Visitor, things: Things) -> None:
    things.make(
        ARGO, "CronWorkflow", "every-night", spec={"schedules": ["0 3 * * *"], "workflowSpec": {"entrypoint": "main"}}
    )
    visitor.sign_in("pipe-member")
    visitor.go(f"{HOME}/contents/cronworkflow/every-night")
    page = visitor.page
    expect(page.get_by_text("03:00:00 UTC")).to_be_visible()
    page.get_by_role("button", name="Run now").press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Run now").press("Enter")
    expect(page.get_by_text("every-night is started as every-night-")).to_be_visible()
    visitor.go(f"{HOME}/contents/cronworkflow/every-night")
    page.locator("#head-actions").get_by_role("button", name="Stop").press("Enter")
    expect(page.locator("#state")).to_contain_text("Stopped")
    expect(page.get_by_text("03:00:00 UTC")).to_have_count(0)
    expect(page.get_by_role("table", name="Runs").get_by_role("link")).to_have_count(1)


def test_a_workflow_that_ended_runs_again(visitor: Visitor, things: Things) -> None:
    things.make(ARGO, "Workflow", "ended", {"phase": "Failed", "message": "no room"}, spec={"entrypoint": "main"})
    visitor.sign_in("pipe-member")
    visitor.go(f"{HOME}/contents/workflow/ended")
    page = visitor.page
    page.get_by_role("button", name="Run again").press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Run again").press("Enter")
    expect(page.get_by_text("ended is started as ended-")).to_be_visible()


def test_a_viewer_starts_nothing(visitor: Visitor, things: Things) -> None:
    del things
    visitor.sign_in("pipe-viewer")
    visitor.go(f"{HOME}/contents/workflowtemplate/train")
    page = visitor.page
    expect(page.get_by_role("table", name="Parameters")).to_be_visible()
    assert page.get_by_role("button", name="Run").count() == 0
    visitor.expect(403)
    visitor.go(f"{HOME}/contents/workflowtemplate/train/start")
    assert page.get_by_role("textbox", name="data").count() == 0


def test_a_form_works_without_scripts(site: Installation, browser: Any, things: Things) -> None:
    del things
    opened = Visitor(site, browser, java_script_enabled=False)
    opened.sign_in("pipe-member")
    opened.go(f"{HOME}/contents/workflowtemplate/train")
    opened.page.get_by_role("button", name="Run", exact=True).click()
    assert opened.heading() == "Run: template train"
    opened.page.get_by_label("data").fill("x")
    opened.page.get_by_role("button", name="Run", exact=True).click()
    assert opened.heading().startswith("Workflow train-")
    opened.close()
