"""A workspace's own instance of Kubeflow Pipelines on a real API server: made, guarded, stopped and taken away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from components import kubeflow_pipelines
from components.contract import KubernetesObject
from components.facts import KubeflowPipelines
from components.isolation.rbac import CONTROL_PLANE_RULES, control_plane_rules
from components.kubeflow_pipelines.names import NAME
from components.names import (
    ANNOTATION_SPEC_HASH,
    CONTROL_PLANE_SERVICE_ACCOUNT,
    CONTROL_PLANE_USER,
    LABEL_MANAGED_BY,
    MANAGED_BY,
    SYSTEM_NAMESPACE,
    Role,
)
from controlplane.kube import resources
from controlplane.kube.resources import Resource
from controlplane.reconcile.model import WorkspaceSpec
from controlplane.reconcile.service import Reconciler
from tests.contract.reconcile.world import FACTS, REGISTRY, Answer, RememberedStorage, World, access, some_spec, until
from tests.servers.installs import install

_SETTINGS = kubeflow_pipelines.KubeflowPipelinesSettings()
IMAGES = {name: f"{REGISTRY}kubeflow/{name}:2.17.0" for name in _SETTINGS.images.model_dump()}
WITH_PIPELINES = FACTS.model_copy(
    update={
        "components": (*FACTS.components, NAME),
        "kubeflow_pipelines": KubeflowPipelines(**IMAGES, storage="1Gi"),
        "kubeflow_database_image": f"{REGISTRY}kubeflow-database:1",
    }
)
STATEFUL_SET = Resource("apps/v1", "StatefulSet", "statefulsets")
SERVICE = Resource("v1", "Service", "services")
CLAIM = Resource("v1", "PersistentVolumeClaim", "persistentvolumeclaims")
_RBAC = "rbac.authorization.k8s.io"


@pytest.fixture(scope="module")
def installed(world: World) -> World:
    """The component's own objects, and what the control plane may do where it is installed."""
    component = kubeflow_pipelines.COMPONENT
    for obj in component.objects(component.settings(), install()):
        world.admin.apply(obj)
    more = [rule for rule in control_plane_rules(features=True) if rule not in CONTROL_PLANE_RULES]
    account = {"kind": "ServiceAccount", "name": CONTROL_PLANE_SERVICE_ACCOUNT, "namespace": SYSTEM_NAMESPACE}
    meta = {"name": "mlp-control-plane-features"}
    world.admin.apply({"apiVersion": f"{_RBAC}/v1", "kind": "ClusterRole", "metadata": meta, "rules": more})
    world.admin.apply(
        {"apiVersion": f"{_RBAC}/v1", "kind": "ClusterRoleBinding", "metadata": meta, "subjects": [account],
         "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": meta["name"]}}
    )  # fmt: skip
    world.settle_access(access(CONTROL_PLANE_USER, verb="create", kind=STATEFUL_SET, namespace="default"), right=True)
    return world


@pytest.fixture
def reconciler(installed: World) -> Iterator[Reconciler]:
    made = Reconciler(installed.control_plane, RememberedStorage(), WITH_PIPELINES, [kubeflow_pipelines.COMPONENT])
    yield made
    made.close()


def wanting(**changes: Any) -> WorkspaceSpec:
    return some_spec(features=frozenset({NAME}), **changes)


def instance(world: World, spec: WorkspaceSpec) -> KubernetesObject | None:
    return world.admin.find(STATEFUL_SET, spec.namespace, NAME)


def test_only_who_asks_for_it_gets_it(reconciler: Reconciler, installed: World) -> None:
    without = some_spec()
    assert reconciler.apply(without).ready
    assert instance(installed, without) is None
    assert installed.admin.find(SERVICE, without.namespace, "ml-pipeline") is None


def test_its_pod_passes_policies_quota_and_pod_security(reconciler: Reconciler, installed: World) -> None:
    spec = wanting()
    assert reconciler.apply(spec).ready
    until(
        "its pod is admitted",
        lambda: installed.admin.find(resources.POD, spec.namespace, f"{NAME}-0") is not None,
    )
    assert reconciler.apply(spec).writes == 0, "what is there is as wanted"
    claim = installed.admin.get(CLAIM, spec.namespace, f"data-{NAME}-0")
    assert claim["spec"]["resources"]["requests"]["storage"] == "1Gi"


def test_members_see_it_and_change_nothing_of_it(reconciler: Reconciler, installed: World) -> None:
    spec = wanting()
    reconciler.apply(spec)
    admin = installed.member(spec.tenant, Role.ADMIN)
    path = STATEFUL_SET.path(spec.namespace, NAME)
    until("members are in", lambda: admin.attempt("GET", path).code == 200)
    patch = {"spec": {"replicas": 0}}
    refused = admin.attempt("PATCH", path, patch, "application/merge-patch+json")
    assert (refused.code, "belongs to the platform" in refused.message) == (403, True), refused
    assert admin.attempt("DELETE", path).code == 403


def test_its_account_acts_in_its_own_workspace_alone(reconciler: Reconciler, installed: World) -> None:
    spec, other = wanting(), wanting()
    reconciler.apply(spec)
    reconciler.apply(other)
    account = installed.account("kfp", spec.namespace, NAME)
    pods = resources.POD
    until("its rights are seen", lambda: account.attempt("GET", pods.path(spec.namespace)).code == 200)
    assert account.attempt("GET", pods.path(other.namespace)).code == 403
    assert account.attempt("GET", resources.SECRET.path(spec.namespace, "storage")).code == 403
    assert account.attempt("GET", pods.path(None)).code == 403


def test_a_suspended_workspace_runs_none(reconciler: Reconciler, installed: World) -> None:
    spec = wanting()
    reconciler.apply(spec)
    reconciler.apply(replace(spec, suspended=True, generation=2))
    found = instance(installed, spec)
    assert found is not None
    assert found["spec"]["replicas"] == 0
    assert installed.admin.find(resources.ROLE_BINDING, spec.namespace, f"mlp-{NAME}") is None
    until(
        "its pod is gone",
        lambda: not list(installed.admin.list(resources.POD, spec.namespace)),
    )
    reconciler.apply(replace(spec, generation=3))
    found = instance(installed, spec)
    assert found is not None
    assert found["spec"]["replicas"] == 1


def test_taking_it_away_keeps_what_it_knows(reconciler: Reconciler, installed: World) -> None:
    spec = wanting()
    reconciler.apply(spec)
    until(
        "its claim is there",
        lambda: installed.admin.find(CLAIM, spec.namespace, f"data-{NAME}-0") is not None,
    )
    assert reconciler.apply(replace(spec, features=frozenset(), generation=2)).ready
    left = {
        resources.key(obj)
        for kind in (STATEFUL_SET, SERVICE, resources.CONFIG_MAP, resources.SERVICE_ACCOUNT, resources.ROLE_BINDING)
        for obj in installed.admin.list(kind, spec.namespace)
    }
    assert not {key for key in left if NAME in key or "ml-pipeline" in key or "metadata" in key or "kfp" in key}
    assert installed.admin.find(CLAIM, spec.namespace, f"data-{NAME}-0") is not None


def test_a_revision_has_the_annotations_of_its_set_and_no_label_of_the_platform(
    reconciler: Reconciler, installed: World
) -> None:
    """Its labels are those of a template, which members write too."""
    spec = wanting()
    reconciler.apply(spec)
    controller = installed.account("sets", "kube-system", "statefulset-controller")
    path = Resource("apps/v1", "ControllerRevision", "controllerrevisions").path(spec.namespace)

    def made(**metadata: Any) -> Answer:
        body = {"apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": {"name": "some", **metadata}}
        return controller.attempt("POST", path, {**body, "revision": 1, "data": {"spec": {}}}, dryRun="All")

    assert made(annotations={ANNOTATION_SPEC_HASH: "some"}).code == 200
    imitation = made(labels={LABEL_MANAGED_BY: MANAGED_BY})
    assert (imitation.code, "(rule: platform-objects)" in imitation.message) == (403, True), imitation
