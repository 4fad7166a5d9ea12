"""Reconciling on a real API server, with the control plane's own rights."""

from __future__ import annotations

from dataclasses import replace

import pytest

from components.contract import Component, ComponentSettings, KubernetesObject, Workspace
from components.facts import PlatformFacts
from controlplane.errors import Permanent, Temporary
from controlplane.kube import resources
from controlplane.quotas.model import ZERO, Quota
from controlplane.reconcile import live
from controlplane.reconcile.compare import content_hash
from controlplane.reconcile.deletion import Wait
from controlplane.reconcile.errors import ApplyFailed, ApplyIncomplete, NamespaceTaken
from controlplane.reconcile.model import ConditionType, Observation
from controlplane.reconcile.ownership import foreign_paths, owned_part
from controlplane.reconcile.service import Reconciler
from tests.contract.reconcile.world import FACTS, RememberedStorage, World, some_spec, until

pytestmark = pytest.mark.contract


def condition(observation: Observation, kind: ConditionType) -> bool:
    return next(c.status for c in observation.conditions if c.type is kind)


def names(world: World, namespace: str) -> set[str]:
    return {resources.key(obj) for kind in live.OWNED_KINDS for obj in live.listed(world.admin, kind, namespace)}


def test_a_workspace_is_created_within_the_budget(reconciler: Reconciler, world: World) -> None:
    spec = some_spec(internet=True)
    steps: list[str] = []
    made = reconciler.apply(spec, lambda step, message="": steps.append(step))
    assert made.ready, made.conditions
    wanted = reconciler.desired(spec)
    assert made.writes == len(wanted) + 2, "every object, the storage user, and the namespace once more at the end"
    assert made.requests <= 35
    assert not made.drift
    assert steps == ["namespace", "objects", "prune"]
    assert names(world, spec.namespace) == {resources.key(obj) for obj in wanted[1:]}


class Killed(BaseException):
    """The worker died."""


@pytest.mark.parametrize("step", ["objects", "prune"])
def test_a_creation_that_was_cut_short_goes_on_and_is_no_drift(
    reconciler: Reconciler, world: World, step: str
) -> None:  # fmt: skip
    spec = some_spec()

    def report(name: str, message: str = "") -> None:
        if name == step:
            raise Killed

    with pytest.raises(Killed):
        reconciler.apply(spec, report)
    finished = reconciler.apply(spec)
    assert (finished.ready, finished.drift) == (True, ())
    assert finished.writes == (len(reconciler.desired(spec)) + 1 if step == "objects" else 1)
    namespace = world.admin.get(resources.NAMESPACE, None, spec.namespace)
    assert namespace["metadata"]["labels"]["mlp.io/generation"] == "1"
    assert reconciler.apply(spec).writes == 0


def test_nothing_is_written_when_all_is_as_wanted(reconciler: Reconciler, world: World) -> None:
    spec = some_spec(internet=True)
    reconciler.apply(spec)
    before = world.admin.get(resources.NAMESPACE, None, spec.namespace)["metadata"]["resourceVersion"]
    again = reconciler.apply(spec)
    assert (again.writes, again.drift, again.ready) == (0, (), True)
    assert world.admin.get(resources.NAMESPACE, None, spec.namespace)["metadata"]["resourceVersion"] == before
    assert reconciler.observe(spec).ready


@pytest.mark.parametrize("quota", [ZERO, Quota(cpu="1500m", memory="3000M", storage="1", pods=1, gpus={"x.io/g": 2})])
def test_odd_quotas_are_accepted_and_stable(reconciler: Reconciler, quota: Quota) -> None:
    spec = some_spec(quota=quota)
    assert reconciler.apply(spec).ready
    assert reconciler.apply(spec).writes == 0


def test_what_we_own_hashes_to_what_was_applied(reconciler: Reconciler, world: World) -> None:
    spec = some_spec(internet=True)
    reconciler.apply(spec)
    namespace = world.admin.get(resources.NAMESPACE, None, spec.namespace)
    seen = [o for kind in live.OWNED_KINDS for o in live.listed(world.admin, kind, spec.namespace)]
    for obj in (namespace, *(o for o in seen if o["kind"] != "Secret")):
        assert content_hash(owned_part(obj)) == obj["metadata"]["annotations"]["mlp.io/spec-hash"], resources.key(obj)
        assert not foreign_paths(obj)


def test_a_namespace_of_others_is_never_touched(reconciler: Reconciler, world: World) -> None:
    spec = some_spec()
    reconciler.apply(spec)
    before = world.admin.get(resources.NAMESPACE, None, spec.namespace)
    impostor = replace(spec, uid="another")
    with pytest.raises(NamespaceTaken, match="belongs to another workspace"):
        reconciler.apply(impostor)
    assert not reconciler.delete(impostor).retry, "a record that never got a namespace can go"
    assert world.admin.get(resources.NAMESPACE, None, spec.namespace) == before


@pytest.mark.parametrize("name", ["kube-public", "default"])
def test_system_namespaces_are_never_touched(reconciler: Reconciler, world: World, name: str) -> None:
    before = world.admin.get(resources.NAMESPACE, None, name)
    with pytest.raises(NamespaceTaken, match="was not made by this platform"):
        reconciler.apply(replace(some_spec(), namespace=name))
    assert world.admin.get(resources.NAMESPACE, None, name) == before
    assert names(world, name) == set()


def test_a_change_applies_only_what_differs_and_removes_the_rest(reconciler: Reconciler, world: World) -> None:
    spec = some_spec(internet=True)
    reconciler.apply(spec)
    changed = replace(spec, generation=2, internet=False, quota=Quota(cpu="1", memory="1Gi", storage="1Gi", pods=3))
    outcome = reconciler.apply(changed)
    assert outcome.ready
    assert not outcome.drift, "a change of the workspace is no drift"
    assert "NetworkPolicy/allow-internet" not in names(world, spec.namespace)
    compute = world.admin.get(resources.RESOURCE_QUOTA, spec.namespace, "compute")
    assert compute["spec"]["hard"]["limits.cpu"] == "1"
    assert reconciler.apply(changed).writes == 0


def test_suspending_and_resuming(reconciler: Reconciler, world: World, storage: RememberedStorage) -> None:
    spec = some_spec()
    reconciler.apply(spec)
    admin, suspended = world.admin, replace(spec, suspended=True, generation=2)
    world.settle(spec)
    pod = _pod(spec.namespace)
    admin.create(pod)
    outcome = reconciler.apply(suspended)
    assert outcome.ready
    assert condition(outcome, ConditionType.SUSPENDED)
    until("the pod is gone", lambda: not list(admin.list(resources.POD, spec.namespace)))
    assert {n for n in names(world, spec.namespace) if n.startswith(("NetworkPolicy", "RoleBinding"))} == {
        "NetworkPolicy/default-deny",
        "RoleBinding/mlp-tenant-view",
    }
    assert storage.users == {spec.namespace: False}
    assert reconciler.apply(suspended).writes == 0
    assert reconciler.apply(replace(spec, generation=3)).ready
    assert names(world, spec.namespace) == {resources.key(obj) for obj in reconciler.desired(spec)[1:]}
    assert storage.users == {spec.namespace: True}


def _pod(namespace: str) -> KubernetesObject:
    context = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    container = {"name": "main", "image": FACTS.workspace_image, "securityContext": context}
    meta = {"name": "busy", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": [container]}}


def test_edits_by_others_are_reverted_and_told(reconciler: Reconciler, world: World) -> None:
    spec = some_spec()
    reconciler.apply(spec)
    admin, ns = world.admin, spec.namespace
    transport = admin.transport
    merge = {"Content-Type": "application/merge-patch+json"}

    def edit(resource: resources.Resource, name: str, patch: KubernetesObject) -> None:
        where = None if resource is resources.NAMESPACE else ns
        transport.request(
            "PATCH", resource.path(where, name), counter=admin.counter, params={"fieldManager": "kubectl-edit"},
            body=patch, headers=merge,
        )  # fmt: skip

    edit(resources.RESOURCE_QUOTA, "compute", {"spec": {"hard": {"limits.cpu": "99", "pods": None}}})
    edit(resources.NETWORK_POLICY, "default-deny", {"spec": {"ingress": [{}]}})
    edit(resources.NETWORK_POLICY, "allow-dns", {"spec": {"ingress": [{}], "policyTypes": ["Egress", "Ingress"]}})
    edit(resources.NAMESPACE, ns, {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "privileged"}}})
    admin.delete(resources.ROLE_BINDING, ns, "mlp-tenant-view")
    admin.delete(resources.LIMIT_RANGE, ns, "defaults")
    admin.delete(resources.ROLE_BINDING, ns, "mlp-tenant-edit")
    rbac = "rbac.authorization.k8s.io"
    admin.create({
        "apiVersion": f"{rbac}/v1", "kind": "RoleBinding", "metadata": {"name": "mlp-tenant-edit", "namespace": ns},
        "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": "cluster-admin"}, "subjects": [],
    })  # fmt: skip
    extra = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {
        "name": "look-alike", "namespace": ns, "labels": {"app.kubernetes.io/managed-by": "mlp"}}}  # fmt: skip
    admin.create(extra)

    seen = reconciler.observe(spec)
    mended = reconciler.apply(spec)
    told = {drift.object: drift for drift in mended.drift}
    assert told.keys() == {
        "ResourceQuota/compute", "NetworkPolicy/default-deny", "NetworkPolicy/allow-dns", f"Namespace/{ns}",
        "RoleBinding/mlp-tenant-view", "LimitRange/defaults", "RoleBinding/mlp-tenant-edit", "ConfigMap/look-alike",
    }  # fmt: skip
    assert {drift.object for drift in seen.drift} == told.keys()
    assert told["ResourceQuota/compute"].manager == "kubectl-edit"
    assert told["ResourceQuota/compute"].fields == ("spec.hard.limits.cpu", "spec.hard.pods")
    assert told["NetworkPolicy/default-deny"].fields == ("spec.ingress",)
    assert told["LimitRange/defaults"].fields == ("(deleted)",)
    assert told["ConfigMap/look-alike"].fields == ("(not wanted)",)
    assert mended.ready, mended.conditions
    assert reconciler.observe(spec).ready
    assert reconciler.apply(spec).writes == 0
    binding = admin.get(resources.ROLE_BINDING, ns, "mlp-tenant-edit")
    assert binding["roleRef"]["name"] == "mlp-tenant-edit"


def test_suspending_is_not_held_up_by_the_storage(
    reconciler: Reconciler, world: World, storage: RememberedStorage
) -> None:  # fmt: skip
    spec = some_spec()
    reconciler.apply(spec)
    world.settle(spec)
    world.admin.create(_pod(spec.namespace))
    storage.broken = Temporary("away")
    with pytest.raises(ApplyIncomplete):
        reconciler.apply(replace(spec, suspended=True, generation=2))
    until("the pod is gone", lambda: not list(world.admin.list(resources.POD, spec.namespace)))
    assert "RoleBinding/mlp-tenant-edit" not in names(world, spec.namespace)


def test_a_rotated_secret_replaces_the_immutable_one(world: World) -> None:
    class Rotated(RememberedStorage):
        def environment(self, spec):  # type: ignore[no-untyped-def]
            return {"AWS_ACCESS_KEY_ID": spec.namespace, "AWS_SECRET_ACCESS_KEY": "rotated"}

    spec = some_spec()
    for storage in (RememberedStorage(), Rotated()):
        reconciler = Reconciler(world.control_plane, storage, FACTS)
        assert reconciler.apply(spec).ready
        assert reconciler.apply(spec).writes == 0
        reconciler.close()
    secret = world.admin.get(resources.SECRET, spec.namespace, "storage")
    assert secret["immutable"] is True
    assert secret["data"]["AWS_SECRET_ACCESS_KEY"] == "cm90YXRlZA=="


def test_failures_are_collected_and_the_rest_is_done(
    reconciler: Reconciler, storage: RememberedStorage, world: World
) -> None:
    spec = some_spec()
    storage.broken = Temporary("the storage does not answer", retry_after=7)
    with pytest.raises(ApplyIncomplete, match="the storage does not answer") as incomplete:
        reconciler.apply(spec)
    outcome = incomplete.value.observation
    assert (outcome.ready, outcome.retry, incomplete.value.retry_after) == (False, True, 7)
    assert not condition(outcome, ConditionType.STORAGE)
    assert condition(outcome, ConditionType.OBJECTS)
    assert names(world, spec.namespace) == {resources.key(obj) for obj in reconciler.desired(spec)[1:]}
    storage.broken = Permanent("the storage is full")
    with pytest.raises(ApplyFailed, match="the storage is full") as failed:
        reconciler.apply(spec)
    assert failed.value.observation.retry is False
    storage.broken = None
    assert reconciler.apply(spec).ready


class _Settings(ComponentSettings):
    pass


def _notes(workspace: Workspace, facts: PlatformFacts) -> tuple[KubernetesObject, ...]:
    meta = {"name": "notes", "namespace": workspace.namespace}
    return ({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"url": facts.public_url}},)


def _no_objects(*_: object) -> tuple[KubernetesObject, ...]:
    return ()


NOTES = Component(
    name="notes", version="1", summary="", settings=_Settings, objects=_no_objects, workspace_objects=_notes
)


def test_components_add_their_objects_and_take_them_away(world: World) -> None:
    spec = some_spec()
    with_notes = Reconciler(world.control_plane, None, FACTS, [NOTES])
    assert with_notes.apply(spec).ready
    note = world.admin.get(resources.CONFIG_MAP, spec.namespace, "notes")
    assert note["data"] == {"url": FACTS.public_url}
    assert note["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "mlp"
    without = Reconciler(world.control_plane, None, FACTS)
    assert without.apply(spec).writes == 1
    assert world.admin.find(resources.CONFIG_MAP, spec.namespace, "notes") is None


def test_deleting_waits_for_the_end_and_may_be_repeated(reconciler: Reconciler, world: World) -> None:
    spec = some_spec()
    reconciler.apply(spec)
    ended = reconciler.delete(spec, wait=Wait(total=60))
    assert not ended.retry, ended.conditions
    assert world.admin.find(resources.NAMESPACE, None, spec.namespace) is None
    assert not reconciler.delete(spec).retry


def test_a_blocked_deletion_names_what_blocks_and_strips_nothing(reconciler: Reconciler, world: World) -> None:
    spec = some_spec()
    reconciler.apply(spec)
    stuck = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {
        "name": "stuck", "namespace": spec.namespace, "finalizers": ["example.com/never"]}}  # fmt: skip
    world.admin.create(stuck)
    blocked = reconciler.delete(spec, wait=Wait(total=0.5))
    until(
        "the blocker is named",
        lambda: "example.com/never" in (reconciler.delete(spec, wait=Wait(total=0)).conditions[-1].message),
    )
    assert blocked.retry
    found = world.admin.get(resources.CONFIG_MAP, spec.namespace, "stuck")
    assert found["metadata"]["finalizers"] == ["example.com/never"]
    again = reconciler.apply(spec)
    assert condition(again, ConditionType.DELETION_BLOCKED), "a workspace on its way out takes no new objects"
    world.admin.merge(resources.CONFIG_MAP, spec.namespace, "stuck", {"metadata": {"finalizers": None}})
    assert not reconciler.delete(spec, wait=Wait(total=60)).retry


def test_the_sweep_finds_every_workspace_that_is_not_as_wanted(reconciler: Reconciler, world: World) -> None:
    specs = [some_spec() for _ in range(7)]
    quiet, edited, lost, added, relabelled, changed, absent = specs
    for spec in specs[:-1]:
        reconciler.apply(spec)
    assert reconciler.suspects(specs) == (absent,)
    admin = world.admin
    admin.merge(resources.NETWORK_POLICY, edited.namespace, "default-deny", {"spec": {"ingress": [{}]}})
    admin.delete(resources.SECRET, lost.namespace, "storage")
    meta = {"name": "alike", "namespace": added.namespace, "labels": {"app.kubernetes.io/managed-by": "mlp"}}
    admin.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta})
    no_label = {"metadata": {"labels": {"app.kubernetes.io/managed-by": None}}}
    admin.merge(resources.NAMESPACE, None, relabelled.namespace, no_label)
    specs[5] = replace(changed, generation=2)
    found = reconciler.suspects(specs)
    assert found == (edited, lost, added, relabelled, specs[5], absent)
    for spec in found:
        reconciler.apply(spec)
    assert reconciler.suspects(specs) == ()
    assert reconciler.suspects([absent, quiet], lambda: True) == ()
