"""Pipelines started through the control plane in people's names, on a real API server with Argo's kinds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from components.names import Role, tenant_group
from controlplane.contents.cluster import Cluster
from controlplane.kube.client import Kube
from controlplane.kube.people import PeopleKube
from controlplane.outside import Outside
from tests.contract.controlplane.conftest import Caller
from tests.contract.controlplane.contents import Things, install_kinds
from tests.contract.controlplane.test_sessions import Browser
from tests.contract.people.conftest import Front
from tests.contract.reconcile.world import World, until
from tests.servers.facts import PUBLIC_URL

pytestmark = [pytest.mark.contract, pytest.mark.timeout(180)]
ARGO = "argoproj.io/v1alpha1"
SPEC = {
    "entrypoint": "main", "templates": [{"name": "main", "suspend": {}}],
    "arguments": {"parameters": [
        {"name": "rate", "value": "0.1", "description": "Learning rate."},
        {"name": "model", "value": "small", "enum": ["small", "large"]},
        {"name": "data"},
    ]},
}  # fmt: skip


@dataclass
class Desk:
    """Who starts what in the tenant's workspace."""

    front: Front
    things: Things
    path: str
    ada: Caller
    mo: Caller
    vi: Caller
    eve: Caller
    root: Caller

    def get(self, name: str) -> dict[str, Any]:
        return self.things.get(ARGO, "Workflow", name)

    def count(self) -> int:
        path = f"/apis/{ARGO}/namespaces/{self.front.namespace}/workflows"
        return len(self.front.world.admin.transport.request("GET", path, counter=self.things.kube.counter)["items"])

    def audited(self, action: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.root.get(f"/tenants/{self.front.tenant}/audit?action={action}")["items"]
        return found


@pytest.fixture
def kinds(world: World) -> None:
    install_kinds(world)


@pytest.fixture
def desk(kinds: None, front: Front) -> Iterator[Desk]:
    del kinds
    held = front.system.runtime
    facts = held.settings.facts.model_copy(update={"public_url": PUBLIC_URL})  # the console's, without the gateway
    held.settings = held.settings.model_copy(update={"facts": facts})
    nobody = Kube.nobody(front.world.server.kubeconfig)
    people = PeopleKube(nobody, front.tokens.token)
    front.system.app.extensions["mlp-outside"] = Outside(cluster=Cluster(front.world.web, people=people))
    things = Things(front.world.admin, front.namespace)
    things.make(ARGO, "WorkflowTemplate", "train", spec=SPEC)
    things.make(ARGO, "Workflow", "first", {"phase": "Succeeded"}, spec={"entrypoint": "main"})
    callers = (front.system.caller(name) for name in ("ada", "mo", "vi", "eve", "root"))
    yield Desk(front, things, f"/tenants/{front.tenant}/workspaces/lab", *callers)
    nobody.close()


def test_a_member_runs_a_template_and_the_api_server_takes_it_for_theirs(desk: Desk) -> None:
    found = desk.vi.get(f"{desk.path}/contents/workflowtemplate/train")
    assert found["content"]["actions"] == ["start", "delete"]
    assert [(p["name"], p["value"], p["options"]) for p in found["parameters"]] == [
        ("rate", "0.1", []), ("model", "small", ["small", "large"]), ("data", None, []),
    ]  # fmt: skip
    body = {"parameters": {"data": "s3://x", "model": "large"}}
    made = desk.mo.post(f"{desk.path}/contents/workflowtemplate/train/start", body, 201)["content"]
    assert (made["kind"], made["state"]) == ("workflow", "starting")
    assert made["name"].startswith("train-")
    workflow = desk.get(made["name"])
    assert workflow["spec"]["workflowTemplateRef"] == {"name": "train"}
    assert {p["name"]: p["value"] for p in workflow["spec"]["arguments"]["parameters"]} == {
        "rate": "0.1", "model": "large", "data": "s3://x",
    }  # fmt: skip
    runs = desk.vi.get(f"{desk.path}/contents/workflowtemplate/train")["runs"]
    assert [run["name"] for run in runs] == [made["name"]]
    (event,) = desk.audited("content.start")
    assert (event["actor"], event["outcome"]) == ("user:mo", "done")
    assert event["object"] == f"workflowtemplate/{desk.front.tenant}/lab/train"
    assert event["after"] == {"workflow": made["name"], "given": ["data", "model"]}


def test_the_control_planes_own_account_could_not_have_made_it(desk: Desk) -> None:
    body = {"apiVersion": ARGO, "kind": "Workflow", "metadata": {"name": "own", "namespace": desk.front.namespace},
            "spec": {"workflowTemplateRef": {"name": "train"}}}  # fmt: skip
    from controlplane.kube.errors import Forbidden

    with pytest.raises(Forbidden, match="cannot create resource"):
        desk.front.world.web.create(body)


def test_everything_wrong_is_said_at_once_and_nothing_is_made(desk: Desk) -> None:
    before = desk.count()
    one = f"{desk.path}/contents/workflowtemplate/train/start"
    wrong = desk.mo.post(one, {"parameters": {"model": "huge", "lr": "1"}}, 422)
    assert {e["field"]: e["message"] for e in wrong["errors"]} == {
        "body.parameters.model": "must be one of small, large",
        "body.parameters.data": "is missing; it has no default",
        "body.parameters.lr": "is no parameter of it; it has rate, model, data",
    }
    desk.mo.post(one, {"parameters": {"data": "x"}, "more": 1}, 422)
    desk.mo.post(one, {"parameters": {"data": 7}}, 422)
    desk.mo.post(one, {"parameters": {"da ta": "x"}}, 422)
    desk.mo.post(one, None, 422)
    assert desk.count() == before


def test_who_may_not_start_does_not(desk: Desk) -> None:
    before = desk.count()
    one, body = f"{desk.path}/contents/workflowtemplate/train/start", {"parameters": {"data": "x"}}
    assert desk.vi.post(one, body, 403)["code"] == "refused"
    desk.eve.post(one, body, 404)
    assert desk.root.post(one, body, 403)["code"] == "rbac", "a platform admin is no member of the tenant"
    desk.mo.post(f"{desk.path}/contents/workflowtemplate/none/start", body, 404)
    desk.mo.post(f"{desk.path}/contents/job/train/start", body, 404)
    assert desk.count() == before
    refused = {(e["actor"], e["outcome"]) for e in desk.audited("content.create")}
    assert refused == {("user:root", "refused")}


def test_rbac_decides_about_the_person(desk: Desk) -> None:
    """Where the cluster gives members nothing, they start nothing, whatever the control plane knows of their role."""
    admin, namespace = desk.front.world.admin, desk.front.namespace
    kind, group = (
        admin.resource("rbac.authorization.k8s.io/v1", "RoleBinding"),
        tenant_group(desk.front.tenant, Role.MEMBER),
    )
    for binding in list(admin.list(kind, namespace)):
        if group in [subject["name"] for subject in binding.get("subjects", ())]:
            admin.delete(kind, namespace, binding["metadata"]["name"])
    one, body = f"{desk.path}/contents/workflowtemplate/train/start", {"parameters": {"data": "x"}}
    until("the right is gone", lambda: desk.mo("POST", one, json=body).status_code == 403)
    assert desk.mo.post(one, body, 403)["code"] == "rbac"
    assert desk.ada.post(one, body, 201)["content"]["state"] == "starting"


def test_admission_speaks_about_the_person_as_well(desk: Desk) -> None:
    """A quota that is full refuses the start in its own words."""
    quota = {
        "apiVersion": "v1", "kind": "ResourceQuota",
        "metadata": {"name": "full", "namespace": desk.front.namespace},
        "spec": {"hard": {"count/workflows.argoproj.io": "0"}},
    }  # fmt: skip
    admin = desk.front.world.admin
    admin.apply(quota)
    one, body = f"{desk.path}/contents/workflowtemplate/train/start", {"parameters": {"data": "x"}}
    try:

        def full() -> bool:
            desk.things.count("count/workflows.argoproj.io")
            return "exceeded quota: full" in desk.mo("POST", one, json=body).text

        until("the quota is counted", full)
        refused = desk.mo.post(one, body, 403)
        assert refused["code"] == "cluster-refused"
        assert "exceeded quota: full" in refused["detail"]
    finally:
        admin.delete(admin.resource("v1", "ResourceQuota"), desk.front.namespace, "full")


def test_a_repeated_call_starts_one(desk: Desk) -> None:
    one, body = f"{desk.path}/contents/workflowtemplate/train/start", {"parameters": {"data": "x"}}
    before = desk.count()
    key = {"Idempotency-Key": "start-1"}
    first = desk.mo.post(one, body, 201, **key)
    assert desk.mo.post(one, body, 201, **key) == first
    assert desk.mo.post(one, {"parameters": {"data": "y"}}, 409, **key)["code"] == "idempotency-key-reused"
    assert desk.count() == before + 1


def test_a_template_without_an_entrypoint_is_not_run_by_itself(desk: Desk) -> None:
    desk.things.make(ARGO, "WorkflowTemplate", "parts", spec={"templates": [{"name": "a", "suspend": {}}]})
    assert desk.vi.get(f"{desk.path}/contents/workflowtemplate/parts")["content"]["actions"] == ["delete"]
    refused = desk.mo.post(f"{desk.path}/contents/workflowtemplate/parts/start", {"parameters": {}}, 403)
    assert (refused["code"], "It names no entrypoint" in refused["detail"]) == ("state", True)


def test_a_schedule_runs_now_and_says_when_it_comes_round(desk: Desk) -> None:
    desk.things.make(
        ARGO, "CronWorkflow", "nightly",
        spec={
            "schedules": ["0 3 * * *"], "timezone": "Europe/Berlin",
            "workflowSpec": {
                "workflowTemplateRef": {"name": "train"},
                "arguments": {"parameters": [{"name": "data", "value": "s3://nightly"}]},
            },
        },
    )  # fmt: skip
    one = f"{desk.path}/contents/cronworkflow/nightly"
    seen = desk.vi.get(one)
    assert seen["content"]["actions"] == ["start", "stop", "delete"]
    soon = datetime.fromisoformat(seen["next_at"]) - datetime.now(UTC)
    assert timedelta(0) < soon < timedelta(hours=26)
    assert {p["name"]: p["value"] for p in seen["parameters"]} == {
        "rate": "0.1", "model": "small", "data": "s3://nightly",
    }  # fmt: skip
    made = desk.mo.post(f"{one}/start", {"parameters": {"rate": "0.2"}}, 201)["content"]["name"]
    meta = desk.get(made)["metadata"]
    assert meta["labels"]["workflows.argoproj.io/cron-workflow"] == "nightly"
    assert [owner["name"] for owner in meta["ownerReferences"]] == ["nightly"]
    assert [run["name"] for run in desk.vi.get(one)["runs"]] == [made]
    stopped = desk.mo.post(f"{one}/stop")
    assert (stopped["next_at"], stopped["content"]["actions"]) == (None, ["start", "resume", "delete"])
    desk.mo.post(f"{one}/start", {"parameters": {}}, 201)
    assert desk.things.get(ARGO, "CronWorkflow", "nightly")["spec"]["suspend"] is True


def test_a_workflow_that_ended_runs_again(desk: Desk) -> None:
    spec = {**SPEC, "shutdown": "Stop", "arguments": {"parameters": [{"name": "data", "value": "a"}]}}
    desk.things.make(ARGO, "Workflow", "tried", {"phase": "Running"}, spec=spec)
    one = f"{desk.path}/contents/workflow/tried"
    assert desk.mo.post(f"{one}/start", {"parameters": {}}, 403)["code"] == "state"
    desk.things.say(ARGO, "Workflow", "tried", {"phase": "Failed", "message": "stopped"})
    made = desk.mo.post(f"{one}/start", {"parameters": {"data": "b"}}, 201)["content"]
    again = desk.get(made["name"])
    assert "shutdown" not in again["spec"]
    assert again["spec"]["templates"] == SPEC["templates"]
    assert again["spec"]["arguments"] == {"parameters": [{"name": "data", "value": "b"}]}
    assert again["metadata"]["labels"]["workflows.argoproj.io/resubmitted-from-workflow"] == "tried"
    assert "status" not in again
    seen = desk.vi.get(f"{desk.path}/contents/workflow/{made['name']}")
    assert seen["source"] == {"kind": "workflow", "name": "tried"}


def test_graph_outputs_and_logs_of_a_workflow(desk: Desk) -> None:
    nodes = {
        "w": {"id": "w", "name": "w", "displayName": "w", "type": "DAG", "phase": "Running", "children": ["w-1"]},
        "w-1": {"id": "w-1", "name": "w.a", "displayName": "a", "type": "Pod", "phase": "Succeeded",
                "children": ["w-2"], "startedAt": "2026-01-02T03:04:05Z",
                "outputs": {"artifacts": [{"name": "model", "s3": {"key": "pipelines/w/w-1/model.tgz"}}]}},
        "w-2": {"id": "w-2", "name": "w.b", "displayName": "b", "type": "Pod", "phase": "Running",
                "startedAt": "2026-01-02T03:05:05Z"},
    }  # fmt: skip
    desk.things.make(
        ARGO, "Workflow", "w",
        {"phase": "Running", "nodes": nodes, "outputs": {"parameters": [{"name": "accuracy", "value": "0.9"}]},
         "artifactRepositoryRef": {"artifactRepository": {"s3": {"bucket": desk.front.namespace}}}},
        spec=SPEC,
    )  # fmt: skip
    desk.things.make(
        "v1", "Pod", "w-main-2",
        spec={"containers": [{"name": "main", "image": "registry.mlp.local/workspace:1"}], "restartPolicy": "Never"},
        meta={"labels": {"workflows.argoproj.io/workflow": "w"},
              "annotations": {"workflows.argoproj.io/node-id": "w-2"}},
    )  # fmt: skip
    found = desk.vi.get(f"{desk.path}/contents/workflow/w")
    graph = found["graph"]
    assert [(s["name"], s["state"], s["pod"]) for s in graph["steps"]] == [
        ("a", "succeeded", None), ("b", "running", "w-main-2"),
    ]  # fmt: skip
    assert (graph["edges"], graph["total"]) == ([["w-1", "w-2"]], 2)
    assert [(o["step"], o["name"], o["value"] or o["place"]) for o in found["outputs"]] == [
        ("", "accuracy", "0.9"), ("a", "model", f"s3://{desk.front.namespace}/pipelines/w/w-1/model.tgz"),
    ]  # fmt: skip


def test_the_form_needs_its_token_keeps_what_was_typed_and_starts(desk: Desk) -> None:
    browser = Browser(desk.front.system)
    browser.sign_in("mo")
    one = f"/workspaces/{desk.front.tenant}/lab/contents/workflowtemplate/train/start"

    def send(method: str, headers: dict[str, str], **form: str) -> Any:
        return browser.client.open(one, method=method, data=form or None, headers=headers, base_url=PUBLIC_URL)

    asked = send("GET", browser.headers)
    assert asked.status_code == 200, asked.text
    assert "Learning rate." in asked.text
    before = desk.count()
    without = {name: value for name, value in browser.headers.items() if name != "X-CSRF-Token"}
    assert send("POST", without, **{"parameters.data": "x", "parameters.model": "small"}).status_code == 403
    wrong = send("POST", browser.headers, **{"parameters.rate": "0.7", "parameters.model": "huge"})
    assert wrong.status_code == 422
    for words in ("must be one of small, large", "is missing; it has no default", 'value="0.7"'):
        assert words in wrong.text
    assert desk.count() == before
    done = send(
        "POST", browser.headers, **{"parameters.rate": "0.7", "parameters.model": "large", "parameters.data": "a\r\nb"}
    )
    assert done.status_code == 303, done.text
    made = desk.get(done.headers["Location"].rsplit("/", 1)[1])
    assert {p["name"]: p["value"] for p in made["spec"]["arguments"]["parameters"]} == {
        "rate": "0.7", "model": "large", "data": "a\nb",
    }  # fmt: skip
