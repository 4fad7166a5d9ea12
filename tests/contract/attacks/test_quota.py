"""Attacks 16, 19: more than the quota, in one piece or in many, and without naming what is used."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from controlplane.kube import resources
from tests.contract.attacks.scene import Scene, container, in_namespace, pod, workloads
from tests.contract.attacks.test_authority import claim
from tests.contract.attacks.test_traffic import service
from tests.contract.reconcile.world import some_slug, until

pytestmark = pytest.mark.contract


def sized(requests: dict[str, str] | None = None, limits: dict[str, str] | None = None) -> dict[str, Any]:
    amounts = {"requests": requests or {}, "limits": limits or {}}
    return {"containers": [container(resources={name: part for name, part in amounts.items() if part})]}


TOO_MUCH: dict[str, tuple[dict[str, Any], str]] = {
    "cpu": (sized({"cpu": "9"}, {"cpu": "9"}), "maximum cpu usage"),
    "memory": (sized({"memory": "17Gi"}, {"memory": "17Gi"}), "maximum memory usage"),
    "memory in another unit": (sized(limits={"memory": "20e9"}), "maximum memory usage"),
    "oversold cpu": (sized({"cpu": "100m"}, {"cpu": "8"}), "max limit to request ratio"),
    "no request worth the name": (sized({"cpu": "1u", "memory": "1"}, {"cpu": "1", "memory": "1Gi"}), "minimum"),
    "scratch space": (sized(limits={"ephemeral-storage": "5Gi"}), "maximum ephemeral-storage usage"),
    "a GPU that was not granted": (sized(limits={"nvidia.com/gpu": "1"}), "exceeded quota: compute"),
    "many containers": (
        {"containers": [container(name=f"c{n}", resources={"limits": {"cpu": "3"}}) for n in range(3)]},
        "maximum cpu usage per Pod",
    ),
}


@pytest.mark.parametrize("attack", TOO_MUCH)
def test_more_than_the_workspace_has(scene: Scene, attack: str) -> None:
    changes, words = TOO_MUCH[attack]
    obj = pod(scene.own.namespace, some_slug("big"), **changes)
    scene.refuse_creation(obj)
    assert words in scene.actors["member"].create(obj).message


def test_many_at_once_never_exceed_the_quota(scene: Scene) -> None:
    """Fifty pods of two CPUs at the same time, where eight CPUs are granted."""
    member = scene.actors["member"]
    names = [some_slug("race") for _ in range(50)]
    big = sized({"cpu": "2"}, {"cpu": "2"})
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda name: member.create(pod(scene.own.namespace, name, **big)), names))
    made = [name for name, answer in zip(names, answers, strict=True) if answer.code == 200]
    assert 1 <= len(made) <= 4
    assert {answer.code for answer in answers} <= {200, 403, 409}
    for name in made:
        member.attempt("DELETE", resources.POD.path(scene.own.namespace, name))
    half = pod(scene.own.namespace, some_slug("half"), **sized({"cpu": "4"}, {"cpu": "4"}))
    until("what they used is free again", lambda: member.create(half, dryRun="All").code == 200)


def test_storage_services_and_kinds_are_counted(scene: Scene) -> None:
    for obj, words in (
        (claim(scene, resources={"requests": {"storage": "21Gi"}}), "maximum storage usage"),
        (claim(scene, resources={"requests": {"storage": "1Ki"}}), "minimum storage usage"),
        (workloads(scene.own.namespace, "each", pod("", "")["spec"])["DaemonSet"], ""),
        (in_namespace("networking.k8s.io/v1", "Ingress", scene.own.namespace, "way-in",
                      spec={"defaultBackend": {"service": {"name": "x", "port": {"number": 80}}}}), ""),
    ):  # fmt: skip
        scene.refuse_creation(obj)
        assert words in scene.actors["member"].create(obj).message


def test_best_effort_and_anti_affinity_over_namespaces_have_no_room(scene: Scene) -> None:
    term = {"topologyKey": "kubernetes.io/hostname", "namespaceSelector": {},
            "labelSelector": {"matchExpressions": [{"key": "app", "operator": "Exists"}]}}  # fmt: skip
    repel = {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}
    obj = pod(scene.own.namespace, some_slug("repel"), **repel)
    scene.refuse_creation(obj)
    assert "cross-namespace-affinity" in scene.actors["member"].create(obj).message
    plain = scene.actors["member"].create(pod(scene.own.namespace, name := some_slug("plain")))
    assert plain.body["status"]["qosClass"] == "Burstable", "defaults leave no pod without requests"
    scene.actors["member"].attempt("DELETE", resources.POD.path(scene.own.namespace, name))


def test_a_node_port_is_over_quota_even_without_the_policy(scene: Scene) -> None:
    """The quota says it again: as the cluster's administrator sees it, with the rule's answer left out."""
    quota = scene.world.admin.get(resources.RESOURCE_QUOTA, scene.own.namespace, "objects")
    assert (quota["status"]["hard"]["services.nodeports"], quota["status"]["used"]["services.nodeports"]) == ("0", "0")
    scene.refuse_creation(service(scene, some_slug("np"), type="NodePort"))
