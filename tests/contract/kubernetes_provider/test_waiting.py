"""When is an object done: readiness, time limits, reasons, deletion."""

from __future__ import annotations

import threading
import time

import pulumi
import pytest

from infra.engine.errors import ResourcesFailed
from infra.engine.model import EventKind
from tests.contract.kubernetes_provider.conftest import Case
from tests.contract.kubernetes_provider.objects import (
    SKIP_AWAIT,
    config_map,
    custom_definition,
    daemon_set,
    deployment,
    job,
    service,
    stateful_set,
    thing,
    waits_at_most,
)
from tests.servers import kubelet as statuses
from tests.servers.kubelet import Kubelet

pytestmark = pytest.mark.contract

MAPS = "v1/configmaps"


def test_skip_await_does_not_wait(case: Case) -> None:
    case.up({"web": deployment("web", **SKIP_AWAIT)})
    assert not case.get("apps/v1/deployments", "web")["status"].get("availableReplicas")


def test_workloads_are_done_when_their_pods_are(case: Case, kubelet: Kubelet) -> None:
    kubelet.report = statuses.running

    case.up(
        {
            "web": deployment("web", replicas=2),
            "entry": service("entry", selector={"app": "case"}),
            "data": stateful_set("data", service="data"),
            "agent": daemon_set("agent"),
            "once": job("once"),
        }
    )

    assert case.get("apps/v1/deployments", "web")["status"]["availableReplicas"] == 2
    assert case.get("apps/v1/statefulsets", "data")["status"]["readyReplicas"] == 1
    assert case.get("apps/v1/daemonsets", "agent")["status"]["numberAvailable"] == 1
    assert case.get("batch/v1/jobs", "once")["status"]["succeeded"] == 1


def test_a_time_limit_ends_a_wait_with_the_reason_of_the_pod_that_blocks(case: Case, kubelet: Kubelet) -> None:
    kubelet.report = statuses.image_missing

    with pytest.raises(ResourcesFailed, match=r"ImagePullBackOff|Back-off pulling image"):
        case.up({"web": deployment("web", **waits_at_most(15))})

    shown = [event for event in case.events if event.kind is EventKind.WAITING and event.resource]
    assert {event.resource.name for event in shown if event.resource} == {"web"}
    assert any("ImagePullBackOff" in event.text or "Back-off" in event.text for event in shown)


def test_what_was_not_ready_is_kept_and_waited_for_again(case: Case, kubelet: Kubelet) -> None:
    kubelet.report = statuses.image_missing
    case.timeouts = pulumi.CustomTimeouts(create="1s", update="60s")
    with pytest.raises(ResourcesFailed):
        case.up({"web": deployment("web")})
    before = case.uid("apps/v1/deployments", "web")

    kubelet.report = statuses.running
    result = case.up({"web": deployment("web")})

    assert case.ops(result) == {"web": "update"}
    assert case.uid("apps/v1/deployments", "web") == before
    assert case.get("apps/v1/deployments", "web")["status"]["availableReplicas"] == 1


def test_a_job_that_fails_fails_the_resource(case: Case, kubelet: Kubelet) -> None:
    kubelet.report = statuses.failed
    with pytest.raises(ResourcesFailed, match=r"BackoffLimitExceeded|backoff limit|failed"):
        case.up({"once": job("once", **waits_at_most(20))})


def test_a_custom_resource_waits_for_its_definition(case: Case) -> None:
    group = f"{case.namespace}.test.invalid"
    objects = {"definition": custom_definition(group), "thing": thing(group, "first", 1)}

    case.up(objects, in_order=True)
    result = case.up({**objects, "thing": thing(group, "first", 2)}, in_order=True)

    assert case.ops(result) == {"thing": "update"}
    assert case.get(f"{group}/v1/things", "first")["spec"] == {"size": 2}


def test_a_custom_resource_whose_definition_is_gone_is_deleted(case: Case) -> None:
    group = f"{case.namespace}.test.invalid"
    case.up({"definition": custom_definition(group), "thing": thing(group, "first", 1)}, in_order=True)
    case.server.request("DELETE", f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.{group}")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        groups = case.server.request("GET", "/apis")["groups"]
        if group not in {each["name"] for each in groups}:
            break
        time.sleep(0.1)

    case.destroy()

    assert case.engine.outputs(case.stack) == {}


def test_delete_waits_for_finalizers(case: Case) -> None:
    case.up({"held": config_map("held", {"a": "1"}, finalizers=["test.invalid/held"])})
    released = []

    def release() -> None:
        while "deletionTimestamp" not in case.get(MAPS, "held")["metadata"]:
            time.sleep(0.05)
        time.sleep(1.0)
        released.append(time.monotonic())
        case.merge(MAPS, "held", {"metadata": {"finalizers": []}})

    helper = threading.Thread(target=release)
    helper.start()
    case.destroy()
    ended = time.monotonic()
    helper.join()

    assert released
    assert ended > released[0]
    assert "held" not in {each["metadata"]["name"] for each in case.list(MAPS)}


def test_delete_of_what_is_gone_is_done(case: Case) -> None:
    case.up({"settings": config_map("settings", {"a": "1"})})
    case.delete(MAPS, "settings")
    result = case.destroy()
    assert case.ops(result) == {"settings": "delete"}
