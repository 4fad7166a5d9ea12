"""Tenants' queues on a real API server with Kueue's kinds, with the control plane's own rights. Kueue is away."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from components.contract import KubernetesObject, Tenant, Workspace
from components.facts import Queueing
from components.names import workspace_namespace
from components.queueing import COMPONENT
from components.queueing.names import API_VERSION, VERSION, cluster_queue
from components.queueing.objects import UPSTREAM
from components.upstream import definitions
from controlplane.kube.client import Kube
from controlplane.kube.errors import ApiError, NotFound
from controlplane.kube.resources import Resource
from controlplane.reconcile.tenants import TenantReconciler
from tests.contract.reconcile.world import FACTS, Actor, World, absent, served, some_slug, some_spec, until
from tests.servers.installs import install

pytestmark = [pytest.mark.contract, pytest.mark.xdist_group("tenants")]

GIB = 2**30
_FACTS = FACTS.model_copy(update={"queueing": Queueing(borrowing=0, lending=100)})
_CLUSTER_QUEUES = Resource(API_VERSION, "ClusterQueue", "clusterqueues", namespaced=False)
_LOCAL_QUEUES = Resource(API_VERSION, "LocalQueue", "localqueues")
_DEFINITIONS = Resource(
    "apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions", namespaced=False
)


_NAMES = ("clusterqueues.kueue.x-k8s.io", "localqueues.kueue.x-k8s.io")


def _kinds() -> list[KubernetesObject]:
    """As they are installed."""
    made = definitions(install(), UPSTREAM.name, "queueing", only=VERSION)
    return [obj for obj in made if obj["metadata"]["name"] in _NAMES]


def _serve(world: World) -> None:
    for obj in _kinds():
        world.admin.apply(obj)
    for resource in (_CLUSTER_QUEUES, _LOCAL_QUEUES):
        until(f"{resource.kind} is served", partial(served, world.admin, resource.api_version, resource.kind))


def _gone(kube: Kube, resource: Resource) -> bool:
    try:
        list(kube.list(resource))
    except NotFound:
        return True
    except ApiError:
        return False  # it is being taken away
    return False


@pytest.fixture(scope="module")
def kinds(world: World) -> None:
    _serve(world)


@pytest.fixture
def tenants(world: World, kinds: None) -> TenantReconciler:
    made = TenantReconciler(world.control_plane, _FACTS, [COMPONENT])
    made.compare(list)  # what earlier tests left
    return made


def _tenant(world: World, **changes: Any) -> Tenant:
    """A tenant with a workspace whose namespace is there."""
    spec = some_spec()
    world.admin.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {
            "name": spec.namespace, "labels": {"mlp.io/tenant": spec.tenant, "mlp.io/workspace": spec.name}}}
    )  # fmt: skip
    workspace = Workspace(spec.tenant, spec.name, spec.namespace)
    return replace(Tenant(spec.tenant, cpu=4000, memory=8 * GIB, workspaces=(workspace,)), **changes)


def _queue(world: World, tenant: Tenant) -> KubernetesObject:
    return world.admin.get(_CLUSTER_QUEUES, None, cluster_queue(tenant.slug))


def _local(world: World, tenant: Tenant) -> KubernetesObject:
    return world.admin.get(_LOCAL_QUEUES, tenant.workspaces[0].namespace, "default")


def _quota(queue: KubernetesObject, resource: str) -> str:
    flavor = queue["spec"]["resourceGroups"][0]["flavors"][0]
    return next(str(each["nominalQuota"]) for each in flavor["resources"] if each["name"] == resource)


def test_a_tenants_queues_are_made_once(tenants: TenantReconciler, world: World) -> None:
    tenant = _tenant(world)
    assert tenants.compare(lambda: [tenant]) >= 2
    queue, local = _queue(world, tenant), _local(world, tenant)
    assert (_quota(queue, "cpu"), _quota(queue, "memory")) == ("4", "8Gi")
    assert local["spec"]["clusterQueue"] == queue["metadata"]["name"]
    assert queue["metadata"]["labels"]["mlp.io/tenant"] == tenant.slug
    assert tenants.compare(lambda: [tenant]) == 0
    assert _queue(world, tenant)["metadata"]["resourceVersion"] == queue["metadata"]["resourceVersion"]


def test_a_workspace_that_is_being_made_gets_its_queue_at_once(tenants: TenantReconciler, world: World) -> None:
    tenant = _tenant(world)
    elsewhere = Workspace(tenant.slug, "two", workspace_namespace(tenant.slug, "two"))
    both = replace(tenant, workspaces=(*tenant.workspaces, elsewhere))
    assert tenants.ensure(both, tenant.workspaces[0].namespace) == 2
    assert tenants.compare(lambda: [both]) == 0, "the other namespace is not there yet, and nothing else is missing"


@pytest.mark.parametrize(
    ("cpu", "gpus"), [(2500, {}), (500, {"nvidia.com/gpu": 2}), (0, {})], ids=["smaller", "with-gpus", "nothing"]
)
def test_a_changed_quota_reaches_the_queue(
    tenants: TenantReconciler, world: World, cpu: int, gpus: dict[str, int]
) -> None:  # fmt: skip
    tenant = _tenant(world)
    tenants.compare(lambda: [tenant])
    changed = replace(tenant, cpu=cpu, gpus=gpus)
    assert tenants.compare(lambda: [changed]) == 1
    queue = _queue(world, tenant)
    assert _quota(queue, "cpu") == {2500: "2500m", 500: "500m", 0: "0"}[cpu]
    assert queue["spec"]["resourceGroups"][0]["coveredResources"] == ["cpu", "memory", *gpus]
    assert tenants.compare(lambda: [changed]) == 0


def test_suspending_and_resuming(tenants: TenantReconciler, world: World) -> None:
    tenant = _tenant(world)
    tenants.compare(lambda: [tenant])
    asleep = replace(tenant, workspaces=(replace(tenant.workspaces[0], suspended=True),))
    tenants.compare(lambda: [asleep])
    policies = (_queue(world, tenant)["spec"]["stopPolicy"], _local(world, tenant)["spec"]["stopPolicy"])
    assert policies == ("None", "HoldAndDrain")
    tenants.compare(lambda: [replace(asleep, suspended=True)])
    assert _queue(world, tenant)["spec"]["stopPolicy"] == "HoldAndDrain"
    tenants.compare(lambda: [tenant])
    policies = (_queue(world, tenant)["spec"]["stopPolicy"], _local(world, tenant)["spec"]["stopPolicy"])
    assert policies == ("None", "None")


def test_somebodys_edit_is_undone(tenants: TenantReconciler, world: World) -> None:
    tenant = _tenant(world)
    tenants.compare(lambda: [tenant])
    edit = {"spec": {"stopPolicy": "Hold", "cohortName": "elsewhere"}}
    world.admin.merge(_CLUSTER_QUEUES, None, cluster_queue(tenant.slug), edit)
    world.admin.delete(_LOCAL_QUEUES, tenant.workspaces[0].namespace, "default")
    assert tenants.compare(lambda: [tenant]) == 2
    queue = _queue(world, tenant)
    assert (queue["spec"]["stopPolicy"], queue["spec"]["cohortName"]) == ("None", "mlp")
    assert _local(world, tenant)["spec"]["clusterQueue"] == cluster_queue(tenant.slug)


def test_queues_go_with_their_workspace_and_their_tenant(tenants: TenantReconciler, world: World) -> None:
    tenant, other = _tenant(world), _tenant(world)
    tenants.compare(lambda: [tenant, other])
    local, queue = _local(world, tenant), _queue(world, tenant)
    tenants.compare(lambda: [replace(tenant, workspaces=()), other])
    assert absent(world.admin, local)
    assert not absent(world.admin, queue)
    tenants.compare(lambda: [other])
    assert absent(world.admin, queue)
    assert _local(world, other)["spec"]["stopPolicy"] == "None"


def test_queues_of_others_are_left_alone(tenants: TenantReconciler, world: World) -> None:
    foreign = {
        "apiVersion": API_VERSION, "kind": "ClusterQueue", "metadata": {"name": some_slug("theirs")},
        "spec": {"namespaceSelector": {}},
    }  # fmt: skip
    world.admin.create(foreign)
    tenants.compare(list)
    assert not absent(world.admin, foreign)


def test_a_queue_that_is_in_use_goes_when_kueue_lets_it_go(tenants: TenantReconciler, world: World) -> None:
    """Kueue keeps a queue by a finalizer until its last workload has gone. Nobody else may change it."""
    tenant = _tenant(world)
    tenants.compare(lambda: [tenant])
    kueue, other = _account(world, "queueing"), _account(world, "somebody")
    path = _CLUSTER_QUEUES.path(None, cluster_queue(tenant.slug))
    hold, release = {"metadata": {"finalizers": ["example.com/in-use"]}}, {"metadata": {"finalizers": None}}
    patch = "application/merge-patch+json"
    assert kueue.attempt("PATCH", path, hold, patch).code == 200
    assert tenants.compare(list) >= 1
    assert _queue(world, tenant)["metadata"]["deletionTimestamp"]
    assert tenants.compare(list) == 0, "it is not asked to go again"
    refused = other.attempt("PATCH", path, release, patch)
    assert (refused.code, "belongs to the platform" in refused.message) == (403, True)
    assert kueue.attempt("PATCH", path, release, patch).code == 200
    assert world.admin.find(_CLUSTER_QUEUES, None, cluster_queue(tenant.slug)) is None


def _account(world: World, name: str) -> Actor:
    """A service account of Kueue's namespace with Kueue's rights."""
    made = install()
    for obj in COMPONENT.objects(COMPONENT.settings(), made):
        if obj["kind"] in ("Namespace", "ServiceAccount", "ClusterRole"):
            world.admin.apply(obj)
    rbac = "rbac.authorization.k8s.io"
    subject = {"kind": "ServiceAccount", "name": name, "namespace": "mlp-queueing"}
    world.admin.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {
        "name": name, "namespace": "mlp-queueing"}})  # fmt: skip
    world.admin.apply({
        "apiVersion": f"{rbac}/v1", "kind": "ClusterRoleBinding", "metadata": {"name": f"mlp-queueing-{name}"},
        "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": "mlp-queueing"}, "subjects": [subject],
    })  # fmt: skip
    made = world.account(name, "mlp-queueing", name)
    until(f"{name} has its rights", lambda: made.attempt("GET", _CLUSTER_QUEUES.path(None)).code == 200)
    return made


def test_without_kueues_kinds_nothing_is_written_and_nothing_breaks(tenants: TenantReconciler, world: World) -> None:
    tenant = _tenant(world)
    tenants.compare(lambda: [tenant])
    for name in _NAMES:
        world.admin.delete(_DEFINITIONS, None, name)
    try:
        for resource in (_CLUSTER_QUEUES, _LOCAL_QUEUES):
            until(f"{resource.kind} is gone", partial(_gone, world.admin, resource))
        before = world.control_plane.counter.requests
        assert tenants.compare(lambda: [tenant]) == 0
        assert world.control_plane.counter.requests - before <= 2, "nothing is asked for each object"
        assert tenants.ensure(tenant, tenant.workspaces[0].namespace) == 0
    finally:
        _serve(world)
    assert tenants.compare(lambda: [tenant]) == 2
