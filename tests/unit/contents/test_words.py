"""Sentences for members: what Kubernetes, Kueue and quotas say, without their wrapping."""

from __future__ import annotations

from typing import Any

import pytest

from controlplane.contents.reading import fields, pods, queue


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        (
            'Error creating: pods "a-1" is forbidden: exceeded quota: workspace, requested: limits.cpu=3, '
            "used: limits.cpu=3, limited: limits.cpu=4",
            "The workspace's quota is used up: asked for limits.cpu=3, in use limits.cpu=3, allowed limits.cpu=4.",
        ),
        (
            'Error creating: pods "a-1" is forbidden: [maximum cpu usage per Container is 4, but limit is 64, '
            "maximum cpu usage per Pod is 4, but limit is 64]",
            "A container may have 4 cpu at most in this workspace; it asks for 64.",
        ),
        (
            "Error creating: pods \"a-1\" is forbidden: ValidatingAdmissionPolicy 'mlp-pods' with binding 'mlp-pods' "
            "denied request: images come from the platform's registry only (rule: images)",
            "images come from the platform's registry only (rule: images)",
        ),
        ('Error creating: pods "a-1" is forbidden: no such account', "no such account"),
        ("several\n  lines", "several lines"),
    ],
)
def test_refusals_in_their_own_words(message: str, sentence: str) -> None:
    assert fields.words(message) == sentence


def test_long_messages_are_cut() -> None:
    assert len(fields.words("x" * 5000)) == 600


def test_missing_fields_have_answers() -> None:
    assert fields.text({}, "a", "b") == ""
    assert fields.number({"a": True}, "a") == 0
    assert fields.time({"a": "yesterday"}, "a") is None
    assert fields.each({"a": {"b": "no list"}}, "a", "b") == []
    assert fields.condition({"status": {"conditions": None}}, "Ready") == {}


_FLAVOR = "couldn't assign flavors to pod set main: "


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (
            _FLAVOR
            + "insufficient unused quota for cpu in flavor default, 1500m more needed, insufficient unused quota "
            "for memory in flavor default, 2Gi more needed",
            "until others of the tenant end: 1500m cpu and 2Gi memory more needed",
        ),
        (
            _FLAVOR + "insufficient quota for nvidia.com/gpu in flavor default, previously considered podsets requests "
            "(0) + current podset request (8) > maximum capacity (2)",
            "more than the tenant can ever have: nvidia.com/gpu (8 asked for, 2 at most)",
        ),
        ("LocalQueue default doesn't exist", "Queue default takes nothing right now"),
        ("something new", "It waits in queue default: something new"),
    ],
)
def test_the_queue_says_what_is_missing(message: str, words: str) -> None:
    assert words in queue.explained(message, "default")


def _workload(**spec: Any) -> dict[str, Any]:
    return {"spec": {"queueName": "default", **spec}, "status": {"conditions": []}}


def test_a_workload_that_waits_without_a_reason_still_says_where() -> None:
    state = queue.state(_workload())
    assert (state.admitted, state.reason) == (False, "It waits in queue default.")
    assert queue.stopped(_workload()) == ""


def test_who_stopped_it_is_told_apart() -> None:
    assert queue.stopped(_workload(active=False)).startswith("It was stopped.")
    given_up = _workload(active=False)
    given_up["status"]["conditions"] = [
        {"type": "Evicted", "status": "True", "reason": "PodsReadyTimeout", "message": "Exceeded the PodsReady timeout"}
    ]
    assert queue.stopped(given_up) == "The queue gave it up: Exceeded the PodsReady timeout"


def _pod(status: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "main"}], **spec}, "status": status}


def _container(**state: Any) -> dict[str, Any]:
    return {"containerStatuses": [{"name": "main", "image": "registry.test/x:1", "restartCount": 4, **state}]}


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (
            {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1"}]},
            "No node can take it: 0/1",
        ),
        (
            {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]},
            "It is held back until its queue lets it start.",
        ),
        (
            _container(state={"waiting": {"reason": "ImagePullBackOff", "message": "Back-off"}}),
            "The image registry.test/x:1 cannot be fetched. Back-off",
        ),
        (_container(state={"waiting": {"reason": "ContainerCreating"}}), ""),
        (
            _container(state={"waiting": {"reason": "CreateContainerConfigError", "message": "no secret"}}),
            "Container main cannot start: no secret",
        ),
        (
            _container(
                state={"waiting": {"reason": "CrashLoopBackOff"}},
                lastState={"terminated": {"exitCode": 1, "message": "boom"}},
            ),
            "Container main ends again and again (4 restarts): ended with exit code 1: boom",
        ),
        (_container(state={"terminated": {"exitCode": 0}}), ""),
        ({"phase": "Failed", "reason": "Evicted", "message": "The node was low."}, "The node was low."),
    ],
)  # fmt: skip
def test_what_keeps_a_pod_from_running(status: dict[str, Any], words: str) -> None:
    assert pods.trouble(_pod(status)) == words


def test_the_pod_whose_log_tells_most() -> None:
    def made(name: str, phase: str, second: int) -> dict[str, Any]:
        return {
            "metadata": {"name": name, "creationTimestamp": f"2026-01-02T03:04:{second:02}Z"}, "spec": {},
            "status": {"phase": phase},
        }  # fmt: skip

    several = [made("old", "Running", 1), made("new", "Running", 2), made("newest", "Pending", 3)]
    assert fields.name(pods.telling(several) or {}) == "new"
    assert fields.name(pods.telling([*several, made("bad", "Failed", 0)]) or {}) == "bad"
    assert pods.telling([]) is None


def test_the_container_that_is_meant() -> None:
    two = {
        "metadata": {},
        "spec": {"containers": [{"name": "wait"}, {"name": "main"}], "initContainers": [{"name": "i"}]},
    }
    assert pods.main_container(two) == "wait"
    two["metadata"] = {"annotations": {"kubectl.kubernetes.io/default-container": "main"}}
    assert pods.main_container(two) == "main"
    assert pods.containers(two) == ("wait", "main", "i")
