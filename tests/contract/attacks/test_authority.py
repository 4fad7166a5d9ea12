"""Attacks 22, 23: rights given away, tokens minted, cloud identities taken, volumes of others mounted."""

from __future__ import annotations

from typing import Any

import pytest

from controlplane.kube import resources
from controlplane.kube.resources import Resource
from tests.contract.attacks.scene import RBAC, Scene, binding, in_namespace, role
from tests.contract.reconcile.world import Actor, some_slug

pytestmark = pytest.mark.contract

ROLE = Resource(f"{RBAC}/v1", "Role", "roles")

BAD_ROLES: dict[str, tuple[list[str], list[str], list[str]]] = {
    "all verbs": (["*"], ["pods"], [""]),
    "all resources": (["get"], ["*"], [""]),
    "all groups": (["get"], ["pods"], ["*"]),
    "all subresources": (["get"], ["*/status"], [""]),
    "escalate": (["escalate"], ["roles"], [RBAC]),
    "bind": (["bind"], ["roles"], [RBAC]),
    "bind among others": (["get", "list", "bind"], ["rolebindings"], [RBAC]),
    "impersonate": (["impersonate"], ["serviceaccounts"], [""]),
    "tokens": (["create"], ["serviceaccounts/token"], [""]),
    "node proxy": (["get"], ["nodes/proxy"], [""]),
    "ephemeral containers": (["patch"], ["pods/ephemeralcontainers"], [""]),
}


@pytest.mark.parametrize("attack", BAD_ROLES)
def test_roles_that_give_too_much(scene: Scene, attack: str) -> None:
    verbs, kinds, groups = BAD_ROLES[attack]
    made = role(scene.own.namespace, some_slug("r"), verbs, kinds, groups)
    good = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
    scene.refuse_creation(made, rule="roles")
    scene.refuse_creation({**made, "rules": [good, *made["rules"]]}, rule="roles")
    mine = role(scene.own.namespace, some_slug("r"), ["get"], ["pods"])
    assert scene.actors["admin"].create(mine).code == 200
    scene.refuse_change(
        ROLE, mine["metadata"]["name"], {"rules": made["rules"]}, namespace=scene.own.namespace, rules=("roles",)
    )


def test_no_role_beyond_ones_own_rights(scene: Scene) -> None:
    for kinds, groups in ((["resourcequotas"], [""]), (["endpoints"], [""]), (["ingresses"], ["networking.k8s.io"])):
        made = role(scene.own.namespace, some_slug("r"), ["create"], kinds, groups)
        for actor in scene.actors.values():
            assert actor.create(made).code == 403


def subjects(scene: Scene) -> dict[str, dict[str, str]]:
    group = {"apiGroup": RBAC, "kind": "Group"}
    account = {"kind": "ServiceAccount"}
    return {
        "everybody": {**group, "name": "system:authenticated"},
        "anonymous": {**group, "name": "system:unauthenticated"},
        "masters": {**group, "name": "system:masters"},
        "all accounts": {**group, "name": "system:serviceaccounts"},
        "the other tenant": {**group, "name": f"tenant:{scene.other.tenant}:member"},
        "a prefix": {**group, "name": f"tenant:{scene.own.tenant}"},
        "other case": {**group, "name": f"Tenant:{scene.own.tenant}:member"},
        "a user": {"apiGroup": RBAC, "kind": "User", "name": f"user:member-of-{scene.other.tenant}"},
        "an account as user": {"apiGroup": RBAC, "kind": "User",
                               "name": f"system:serviceaccount:{scene.other.namespace}:workload"},
        "the other's account": {**account, "name": "workload", "namespace": scene.other.namespace},
        "kube-system": {**account, "name": "generic-garbage-collector", "namespace": "kube-system"},
        "the control plane": {**account, "name": "control-plane", "namespace": "mlp-system"},
    }  # fmt: skip


SUBJECTS = [
    "everybody", "anonymous", "masters", "all accounts", "the other tenant", "a prefix", "other case", "a user",
    "an account as user", "the other's account", "kube-system", "the control plane",
]  # fmt: skip


@pytest.mark.parametrize("who", SUBJECTS)
def test_bindings_to_strangers(scene: Scene, who: str) -> None:
    assert list(subjects(scene)) == SUBJECTS
    made = binding(scene.own.namespace, some_slug("rb"), subjects(scene)[who], "mlp-tenant-view")
    scene.refuse_creation(made, rule="role-bindings")
    friend = {"apiGroup": RBAC, "kind": "Group", "name": f"tenant:{scene.own.tenant}:member"}
    scene.refuse_creation({**made, "subjects": [friend, subjects(scene)[who]]}, rule="role-bindings")


@pytest.mark.parametrize("to", ["cluster-admin", "admin", "edit", "system:node", "mlp-control-plane"])
def test_bindings_to_stronger_roles(scene: Scene, to: str) -> None:
    friend = {"apiGroup": RBAC, "kind": "Group", "name": f"tenant:{scene.own.tenant}:member"}
    scene.refuse_creation(binding(scene.own.namespace, some_slug("rb"), friend, to), rule="role-bindings")


@pytest.mark.parametrize("account", ["workload", "default"])
def test_minting_tokens(scene: Scene, account: str) -> None:
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    for namespace in (scene.own.namespace, scene.other.namespace, "mlp-system", "kube-system"):
        path = f"{resources.SERVICE_ACCOUNT.path(namespace, account)}/token"
        for actor in scene.actors.values():
            assert actor.attempt("POST", path, body).code == 403
    for actor in scene.all_actors:
        assert actor.attempt("POST", resources.SERVICE_ACCOUNT.path("mlp-system", "control-plane") + "/token",
                             body).code == 403  # fmt: skip


@pytest.mark.parametrize(
    "kind", ["kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token"]
)  # fmt: skip
def test_secrets_that_become_tokens(scene: Scene, kind: str) -> None:
    made = in_namespace("v1", "Secret", scene.own.namespace, "forever", type=kind)
    made["metadata"]["annotations"] = {"kubernetes.io/service-account.name": "workload"}
    scene.refuse_creation(made, rule="token-secrets")


@pytest.mark.parametrize(
    "key",
    ["eks.amazonaws.com/role-arn", "iam.gke.io/gcp-service-account", "azure.workload.identity/client-id"],
)
def test_cloud_identities(scene: Scene, key: str) -> None:
    made = in_namespace("v1", "ServiceAccount", scene.own.namespace, some_slug("sa"))
    made["metadata"]["annotations"] = {key: "somebody"}
    scene.refuse_creation(made, rule="cloud-identity")
    plain = in_namespace("v1", "ServiceAccount", scene.own.namespace, some_slug("sa"))
    assert scene.actors["admin"].create(plain).code == 200
    scene.refuse_change(
        resources.SERVICE_ACCOUNT, plain["metadata"]["name"], {"metadata": {"annotations": {key: "somebody"}}},
        namespace=scene.own.namespace, rules=("cloud-identity",),
    )  # fmt: skip


def claim(scene: Scene, annotations: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    body = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, **spec}
    made = in_namespace("v1", "PersistentVolumeClaim", scene.own.namespace, some_slug("pvc"), spec=body)
    made["metadata"]["annotations"] = annotations or {}
    return made


BAD_CLAIMS: dict[str, dict[str, Any]] = {
    "by name": {"volumeName": "pv-of-the-other"},
    "by selector": {"selector": {"matchLabels": {"tenant": "b"}}},
    "statically": {"storageClassName": "", "volumeName": "pv-of-the-other"},
    "without class": {"storageClassName": ""},
    "another class": {"storageClassName": "premium"},
    "by annotation": {"annotations": {"volume.beta.kubernetes.io/storage-class": "premium"}},
    "on a node": {"annotations": {"volume.kubernetes.io/selected-node": "control-plane"}},
}


@pytest.mark.parametrize("attack", BAD_CLAIMS)
def test_claims_on_volumes_of_others(scene: Scene, attack: str) -> None:
    scene.refuse_creation(claim(scene, **BAD_CLAIMS[attack]), rule="volumes")


CLAIM = Resource("v1", "PersistentVolumeClaim", "persistentvolumeclaims")


@pytest.mark.parametrize(
    "patch",
    [
        {"spec": {"volumeName": "pv-of-the-other"}},
        {"spec": {"storageClassName": "premium"}},
        {"metadata": {"annotations": {"volume.kubernetes.io/selected-node": "control-plane"}}},
    ],
)
def test_turning_an_unbound_claim_to_a_volume_of_others(scene: Scene, patch: dict[str, Any]) -> None:
    mine = claim(scene)
    assert scene.actors["member"].create(mine).code == 200
    scene.refuse_change(CLAIM, mine["metadata"]["name"], patch, namespace=scene.own.namespace, rules=("volumes",))


def test_the_scheduler_chooses_the_node_of_a_volume_and_members_keep_their_claims(scene: Scene) -> None:
    mine = claim(scene, storageClassName="mlp-local")
    member = scene.actors["member"]
    assert member.create(mine).code == 200
    path = CLAIM.path(scene.own.namespace, mine["metadata"]["name"])
    scheduler = Actor("scheduler", scene.world.connect(scene.world.server.kubeconfig_for("system:kube-scheduler")))
    chosen = {"metadata": {"annotations": {"volume.kubernetes.io/selected-node": "node-1"}}}
    assert scheduler.attempt("PATCH", path, chosen, "application/merge-patch+json").code == 200
    label = {"metadata": {"labels": {"mine": "yes"}}}
    assert member.attempt("PATCH", path, label, "application/merge-patch+json").code == 200
    assert member.attempt("DELETE", path).code == 200


def test_the_control_plane_reads_no_other_secrets(scene: Scene) -> None:
    """A stolen token of the control plane: not the cluster, and of secrets only those it made."""
    kube = scene.world.control_plane
    thief = Actor("thief", kube)
    secret = in_namespace("v1", "Secret", scene.own.namespace, some_slug("own"), stringData={"password": "x"})
    assert scene.actors["member"].create(secret).code == 200
    for path in (
        resources.SECRET.path(None),
        resources.SECRET.path(scene.own.namespace),
        resources.SECRET.path(scene.own.namespace, secret["metadata"]["name"]),
        resources.SECRET.path("kube-system"),
    ):
        assert thief.attempt("GET", path).code == 403
    assert thief.create(in_namespace("v1", "Secret", scene.own.namespace, "mine")).code == 403
    for namespace in ("kube-system", "default", "kube-node-lease", "kube-public"):
        subject = {"kind": "ServiceAccount", "name": "control-plane", "namespace": "mlp-system"}
        assert thief.create(binding(namespace, "mine", subject, "mlp-tenant-admin")).code == 403
        assert thief.create(in_namespace("v1", "ConfigMap", namespace, "mine")).code == 403
    friend = {"apiGroup": RBAC, "kind": "Group", "name": f"tenant:{scene.own.tenant}:member"}
    assert thief.create(binding(scene.own.namespace, "mine", friend, "cluster-admin")).code == 403
    for meta in ({"name": "mine"}, {"name": "ws-mine--x"}, {"name": "mine", "labels": {"mlp.io/tenant": "x"}}):
        assert thief.create({"apiVersion": "v1", "kind": "Namespace", "metadata": meta}).code == 403
    take = {"metadata": {"labels": {"mlp.io/tenant": "x"}}}
    path = resources.NAMESPACE.path(None, "kube-system")
    assert thief.attempt("PATCH", path, take, "application/merge-patch+json").code == 403
    assert thief.attempt("DELETE", resources.NAMESPACE.path(None, "default")).code == 403
    lose = {"metadata": {"labels": {"mlp.io/tenant": None}}}
    path = resources.NAMESPACE.path(None, scene.own.namespace)
    assert thief.attempt("PATCH", path, lose, "application/merge-patch+json").code == 403
