"""Attacks 7, 8, 10, 21: pods that reach for the host, foreign images, and better places, in every kind of template."""

from __future__ import annotations

import copy
import random
import secrets
from typing import Any

import pytest

from controlplane.kube import resources
from tests.contract.attacks.scene import IMAGE, Scene, container, pod, pod_spec, workloads
from tests.contract.reconcile.world import some_slug

pytestmark = pytest.mark.contract


def bad_container(**context: Any) -> dict[str, Any]:
    made = container()
    made["securityContext"] = {**made["securityContext"], **context}
    return {"containers": [made]}


BAD_PODS: dict[str, tuple[str, dict[str, Any]]] = {
    "privileged": ("privileges", bad_container(privileged=True, allowPrivilegeEscalation=True)),
    "privileged init": ("privileges", {"initContainers": [container(name="i", securityContext={"privileged": True})]}),
    "escalation": ("privileges", bad_container(allowPrivilegeEscalation=True)),
    "capability": ("privileges", bad_container(capabilities={"add": ["SYS_ADMIN"], "drop": ["ALL"]})),
    "all capabilities": ("privileges", bad_container(capabilities={"add": ["ALL"]})),
    "root container": ("privileges", bad_container(runAsUser=0, runAsNonRoot=False)),
    "root pod": ("privileges", {"securityContext": {"runAsUser": 0}}),
    "unmasked proc": ("privileges", bad_container(procMount="Unmasked") | {"hostUsers": False}),
    "seccomp": ("privileges", bad_container(seccompProfile={"type": "Unconfined"})),
    "pod seccomp": ("privileges", {"securityContext": {"seccompProfile": {"type": "Unconfined"}}}),
    "apparmor": ("privileges", bad_container(appArmorProfile={"type": "Unconfined"})),
    "sysctl": ("privileges", {"securityContext": {"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}}),
    "hostPath": ("host-access", {"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}),
    "hostNetwork": ("host-access", {"hostNetwork": True}),
    "hostPID": ("host-access", {"hostPID": True}),
    "hostIPC": ("host-access", {"hostIPC": True}),
    "hostPort": ("host-access", {"containers": [container(ports=[{"containerPort": 80, "hostPort": 80}])]}),
    "foreign": ("registries", {"containers": [container("evil.example.com/x:1")]}),
    "bare": ("registries", {"containers": [container("ubuntu")]}),
    "look-alike host": ("registries", {"containers": [container("registry.mlp.local.evil.io/x")]}),
    "look-alike path": ("registries", {"containers": [container("evil.io/registry.mlp.local/x")]}),
    "upper case": ("registries", {"containers": [container("REGISTRY.mlp.local/x")]}),
    "port": ("registries", {"containers": [container("registry.mlp.local:5000/x")]}),
    "foreign init": ("registries", {"initContainers": [container("ubuntu", name="i")]}),
    "foreign second": ("registries", {"containers": [container(), container("ubuntu", name="second")]}),
    "image volume": ("registries", {"volumes": [{"name": "v", "image": {"reference": "evil.io/x:1"}}]}),
    "system priority": ("priority", {"priorityClassName": "system-cluster-critical"}),
    "node priority": ("priority", {"priorityClassName": "system-node-critical"}),
    "tolerate all": ("placement", {"tolerations": [{"operator": "Exists"}]}),
    "tolerate control plane": (
        "placement", {"tolerations": [{"key": "node-role.kubernetes.io/control-plane", "operator": "Exists"}]}
    ),
    "tolerate one effect": ("placement", {"tolerations": [{"operator": "Exists", "effect": "NoSchedule"}]}),
    "node name": ("placement", {"nodeName": "control-plane"}),
    "node role": ("placement", {"nodeSelector": {"node-role.kubernetes.io/control-plane": ""}}),
    "scheduler": ("placement", {"schedulerName": "mine"}),
}  # fmt: skip


@pytest.mark.parametrize("attack", BAD_PODS)
def test_refused_as_a_pod_and_in_every_template(scene: Scene, attack: str) -> None:
    rule, changes = BAD_PODS[attack]
    spec = pod_spec(**copy.deepcopy(changes))
    for kind, obj in workloads(scene.own.namespace, some_slug("bad"), spec).items():
        # Pod security and the priority plug-in answer before the policies do, for pods only.
        scene.refuse_creation(obj, rule=rule if kind != "Pod" else None)


@pytest.mark.parametrize("field", ["containers", "initContainers"])
def test_swapping_the_image_of_a_running_pod(scene: Scene, field: str) -> None:
    name = some_slug("pod")
    both = pod(scene.own.namespace, name, initContainers=[container(name="first")])
    assert scene.actors["member"].create(both).code == 200
    patch = {"spec": {field: [{"name": "main" if field == "containers" else "first", "image": "docker.io/evil:1"}]}}
    kind = "application/strategic-merge-patch+json"
    scene.refuse_change(
        resources.POD, name, patch, namespace=scene.own.namespace, rules=("registries",), content_type=kind
    )
    answer = scene.stock_admin.attempt("PATCH", resources.POD.path(scene.own.namespace, name), patch, kind)
    assert "docker.io/evil:1" in answer.message, "the refusal names the image"
    path = resources.POD.path(scene.own.namespace, name)
    assert scene.actors["member"].attempt("DELETE", path).code == 200


@pytest.mark.parametrize(
    "changes",
    [{"image": "evil.example.com/x"}, {"securityContext": {"privileged": True}}],
)
def test_debugging_containers_follow_the_same_rules(scene: Scene, changes: dict[str, Any]) -> None:
    name = some_slug("pod")
    assert scene.actors["member"].create(pod(scene.own.namespace, name)).code == 200
    path = resources.POD.path(scene.own.namespace, name)
    debug = {"spec": {"ephemeralContainers": [container(name="debug") | changes]}}
    for actor in scene.all_actors:
        answer = actor.attempt("PATCH", f"{path}/ephemeralcontainers", debug, "application/strategic-merge-patch+json")
        assert answer.code == 403, answer
    found = scene.world.admin.get(resources.POD, scene.own.namespace, name)
    assert "ephemeralContainers" not in found["spec"]
    assert scene.actors["member"].attempt("DELETE", path).code == 200


def test_an_existing_deployment_cannot_be_turned(scene: Scene) -> None:
    name = some_slug("deploy")
    good = workloads(scene.own.namespace, name, pod_spec())["Deployment"]
    good["spec"]["replicas"] = 0
    assert scene.actors["member"].create(good).code == 200
    deployment = scene.world.admin.resource("apps/v1", "Deployment")
    for rule, changes in (("host-access", {"hostNetwork": True}), ("placement", {"nodeName": "n1"})):
        patch = {"spec": {"template": {"spec": changes}}}
        scene.refuse_change(deployment, name, patch, namespace=scene.own.namespace, rules=(rule,))
    assert scene.actors["member"].attempt("DELETE", deployment.path(scene.own.namespace, name)).code == 200


def test_images_spelled_at_random_never_pass(scene: Scene) -> None:
    seed = secrets.randbits(32)
    print(f"seed {seed}")  # noqa: T201 - shown by pytest when the test fails
    chance = random.Random(seed)  # noqa: S311 - spellings, not secrets
    hosts = ["", "docker.io/", "registry.mlp.local", "registry.mlp.local.", "registry.mlp.local:443/",
             "//registry.mlp.local/", " registry.mlp.local/", "registry.mlp.locaI/", "xregistry.mlp.local/",
             "user@registry.mlp.local/", "registry-mlp.local/", "\uff52egistry.mlp.local/", "%72egistry.mlp.local/",
             "registry.mlp.local\\/", "./registry.mlp.local/", "registry.mlp.local.evil.io/"]  # fmt: skip
    for _ in range(40):
        image = chance.choice(hosts) + chance.choice(["x", "a/b", "workspace"]) + chance.choice(["", ":1", "@sha256:0"])
        image = "".join(c.upper() if chance.random() < 0.1 and not image.startswith("registry.mlp.local/") else c
                        for c in image)  # fmt: skip
        where = chance.choice(["containers", "initContainers"])
        changes = {where: [container(image, name="c")]}
        if where == "initContainers":
            changes["containers"] = [container()]
        kind = chance.choice(["Pod", "Job", "CronJob", "Deployment"])
        obj = workloads(scene.own.namespace, "spelled", pod_spec(**changes))[kind]
        answer = scene.stock_admin.create(obj)
        # 422: not even an image reference
        assert answer.code in (403, 422), f"seed {seed}: {image!r} as {kind}: {answer.code} {answer.message}"
        assert image != IMAGE
