"""When is an object ready, and why not."""

from __future__ import annotations

from typing import Any

import pytest

from infra.providers.kubernetes.readiness import (
    State,
    Status,
    blocking_pods,
    endpoints_ready,
    needs_endpoints,
    pod_reason,
    pod_selector,
    predicate,
)

Obj = dict[str, Any]


def obj(api_version: str, kind: str, spec: Obj | None = None, status: Obj | None = None, generation: int = 2) -> Obj:
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": "x", "generation": generation},
        "spec": spec or {},
        "status": status or {},
    }


def told(found: Obj) -> Status:
    tells = predicate(found)
    assert tells
    return tells(found)


def condition(kind: str, status: str = "True", **more: str) -> Obj:
    return {"conditions": [{"type": kind, "status": status, **more}]}


SEEN: Obj = {"observedGeneration": 2}
DONE_DEPLOYMENT: Obj = {**SEEN, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3}


@pytest.mark.parametrize(
    ("status", "state", "word"),
    [
        ({**DONE_DEPLOYMENT, "observedGeneration": 1}, State.WAITING, "not seen"),
        (SEEN, State.WAITING, "0 of 3 new"),
        ({**DONE_DEPLOYMENT, "updatedReplicas": 2}, State.WAITING, "2 of 3 new"),
        ({**DONE_DEPLOYMENT, "replicas": 4}, State.WAITING, "1 old"),
        ({**DONE_DEPLOYMENT, "availableReplicas": 1}, State.WAITING, "1 of 3 replicas available"),
        (DONE_DEPLOYMENT, State.READY, ""),
        (
            {**SEEN, **condition("Progressing", "False", reason="ProgressDeadlineExceeded", message="took too long")},
            State.FAILED,
            "took too long",
        ),
    ],
)
def test_a_deployment_is_ready_when_rolled_out(status: Obj, state: State, word: str) -> None:
    found = told(obj("apps/v1", "Deployment", {"replicas": 3}, status))
    assert found.state is state
    assert word in found.reason


def test_a_deployment_of_none_is_ready_once_seen() -> None:
    assert told(obj("apps/v1", "Deployment", {"replicas": 0}, SEEN)).state is State.READY


@pytest.mark.parametrize(
    ("spec", "status", "state"),
    [
        ({}, SEEN, State.WAITING),
        ({}, {**SEEN, "readyReplicas": 1, "updatedReplicas": 0}, State.WAITING),
        (
            {},
            {**SEEN, "readyReplicas": 1, "updatedReplicas": 1, "currentRevision": "a", "updateRevision": "b"},
            State.WAITING,
        ),
        (
            {},
            {**SEEN, "readyReplicas": 1, "updatedReplicas": 1, "currentRevision": "b", "updateRevision": "b"},
            State.READY,
        ),
        ({"updateStrategy": {"type": "OnDelete"}}, {**SEEN, "readyReplicas": 1}, State.READY),
        (
            {"replicas": 3, "updateStrategy": {"rollingUpdate": {"partition": 2}}},
            {**SEEN, "readyReplicas": 3, "updatedReplicas": 1, "currentRevision": "a", "updateRevision": "b"},
            State.READY,
        ),
    ],
)
def test_a_stateful_set_is_ready_when_updated(spec: Obj, status: Obj, state: State) -> None:
    assert told(obj("apps/v1", "StatefulSet", spec, status)).state is state


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ({"desiredNumberScheduled": 2, "numberAvailable": 2, "updatedNumberScheduled": 2}, State.WAITING),
        ({**SEEN, "desiredNumberScheduled": 2, "numberAvailable": 2, "updatedNumberScheduled": 1}, State.WAITING),
        ({**SEEN, "desiredNumberScheduled": 2, "numberAvailable": 1, "updatedNumberScheduled": 2}, State.WAITING),
        ({**SEEN, "desiredNumberScheduled": 2, "numberAvailable": 2, "updatedNumberScheduled": 2}, State.READY),
        ({**SEEN}, State.READY),
    ],
)
def test_a_daemon_set_is_ready_on_every_node(status: Obj, state: State) -> None:
    assert told(obj("apps/v1", "DaemonSet", {}, status)).state is state


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (obj("batch/v1", "Job", status={"active": 1}), State.WAITING),
        (obj("batch/v1", "Job", status=condition("Complete")), State.READY),
        (obj("batch/v1", "Job", status=condition("Failed", message="backoff limit")), State.FAILED),
        (obj("batch/v1", "Job", {"suspend": True}), State.READY),
        (obj("v1", "Pod", status={"phase": "Succeeded"}), State.READY),
        (obj("v1", "Pod", status={"phase": "Running", **condition("Ready")}), State.READY),
        (obj("v1", "Pod", status={"phase": "Failed", "reason": "Evicted"}), State.FAILED),
        (obj("v1", "Pod", status={"phase": "Pending"}), State.WAITING),
        (obj("v1", "Namespace", status={"phase": "Active"}), State.READY),
        (obj("v1", "Namespace", status={"phase": "Terminating"}), State.WAITING),
        (obj("v1", "PersistentVolumeClaim", status={"phase": "Bound"}), State.READY),
        (obj("v1", "PersistentVolumeClaim", status={"phase": "Pending"}), State.WAITING),
        (obj("v1", "PersistentVolumeClaim", status={"phase": "Lost"}), State.FAILED),
        (obj("v1", "Service", {"type": "ClusterIP"}), State.READY),
        (obj("v1", "Service", {"type": "LoadBalancer"}), State.WAITING),
        (
            obj("v1", "Service", {"type": "LoadBalancer"}, {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}),
            State.READY,
        ),
        (obj("apiextensions.k8s.io/v1", "CustomResourceDefinition"), State.WAITING),
        (obj("apiextensions.k8s.io/v1", "CustomResourceDefinition", status=condition("Established")), State.READY),
        (
            obj("apiextensions.k8s.io/v1", "CustomResourceDefinition", status=condition("NamesAccepted", "False")),
            State.FAILED,
        ),
        (obj("apiregistration.k8s.io/v1", "APIService", status=condition("Available")), State.READY),
        (obj("apiregistration.k8s.io/v1", "APIService", status=condition("Available", "False")), State.WAITING),
    ],
)
def test_each_kind_has_its_own_sign(found: Obj, state: State) -> None:
    status = told(found)
    assert status.state is state
    assert bool(status.reason) is (state is not State.READY)


def test_other_kinds_are_ready_by_being_there() -> None:
    assert predicate(obj("v1", "ConfigMap")) is None
    assert predicate(obj("apps.example.org/v1", "Deployment")) is None


@pytest.mark.parametrize(
    ("spec", "needed"),
    [
        ({"selector": {"a": "b"}}, True),
        ({}, False),
        ({"selector": {"a": "b"}, "clusterIP": "None"}, False),
        ({"selector": {"a": "b"}, "type": "ExternalName"}, False),
    ],
)
def test_a_service_that_selects_pods_needs_endpoints(spec: Obj, needed: bool) -> None:
    assert needs_endpoints(obj("v1", "Service", spec)) is needed


def test_endpoints_are_ready_with_one_ready_pod() -> None:
    waiting = [{"endpoints": [{"conditions": {"ready": False}}]}, {"endpoints": None}]
    assert endpoints_ready(waiting).state is State.WAITING
    assert endpoints_ready([*waiting, {"endpoints": [{"conditions": {"ready": True}}]}]).state is State.READY


WORKLOAD = obj("apps/v1", "Deployment")


def pod(status: Obj, **metadata: Any) -> Obj:
    return {"metadata": {"name": "web-1", **metadata}, "status": status}


def container(state: Obj, **more: Any) -> Obj:
    return {"containerStatuses": [{"name": "main", "state": state, **more}]}


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (container({"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}), "no such image"),
        (
            container(
                {"waiting": {"reason": "CrashLoopBackOff"}},
                lastState={"terminated": {"exitCode": 3, "message": "boom"}},
            ),
            "CrashLoopBackOff (exit code 3: boom)",
        ),
        (container({"terminated": {"exitCode": 1, "reason": "OOMKilled"}}), "OOMKilled (exit code 1)"),
        (condition("PodScheduled", "False", message="0/1 nodes are available"), "not scheduled: 0/1 nodes"),
        ({"phase": "Failed", "reason": "Evicted", "message": "disk"}, "Evicted: disk"),
        ({"phase": "Running", **condition("Ready", "False", message="containers with unready status")}, "unready"),
    ],
)
def test_a_pod_says_why_it_blocks(status: Obj, word: str) -> None:
    assert word in pod_reason(pod(status))
    assert blocking_pods(WORKLOAD, [pod(status)])[0].startswith("pod web-1: ")


@pytest.mark.parametrize(
    "status",
    [
        {},
        {"phase": "Running", **condition("Ready")},
        container({"waiting": {"reason": "ContainerCreating"}}),
        container({"terminated": {"exitCode": 0}}),
    ],
)
def test_a_pod_on_its_way_blocks_nothing(status: Obj) -> None:
    assert blocking_pods(WORKLOAD, [pod(status)]) == []


def test_a_pod_that_goes_is_not_blamed() -> None:
    going = pod(container({"waiting": {"reason": "ImagePullBackOff"}}), deletionTimestamp="now")
    assert blocking_pods(WORKLOAD, [going]) == []


def test_pods_are_found_by_the_workloads_labels() -> None:
    found = obj("apps/v1", "Deployment", {"selector": {"matchLabels": {"b": "2", "a": "1"}}})
    assert pod_selector(found) == "a=1,b=2"
    assert pod_selector(obj("v1", "ConfigMap")) is None
    complicated = {"selector": {"matchLabels": {"a": "1"}, "matchExpressions": [{"key": "b"}]}}
    assert pod_selector(obj("apps/v1", "Deployment", complicated)) is None


@pytest.mark.parametrize(
    ("spec", "revision", "hinted"),
    [({}, "old", True), ({}, "new", False), ({"podManagementPolicy": "Parallel"}, "old", False)],
)
def test_an_old_pod_that_holds_up_a_stateful_set_is_named_with_the_remedy(
    spec: Obj, revision: str, hinted: bool
) -> None:
    workload = obj("apps/v1", "StatefulSet", spec, {"updateRevision": "new"})
    crashed = pod(container({"waiting": {"reason": "CrashLoopBackOff"}}), labels={"controller-revision-hash": revision})
    (said,) = blocking_pods(workload, [crashed])
    assert said.startswith("pod web-1: container main: CrashLoopBackOff")
    assert ("kubectl delete pod web-1" in said) is hinted
