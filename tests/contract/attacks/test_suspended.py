"""A suspended workspace: looking is all that is left, and nothing of it runs or talks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from components.names import Role
from controlplane.kube import resources
from controlplane.reconcile.service import Reconciler
from tests.contract.attacks.scene import Scene, in_namespace, pod
from tests.contract.reconcile.world import FACTS, Actor, RememberedStorage, some_slug, some_spec

pytestmark = pytest.mark.contract


def test_members_may_look_and_nothing_else(scene: Scene) -> None:
    world = scene.world
    reconciler = Reconciler(world.control_plane, RememberedStorage(), FACTS)
    spec = some_spec()
    reconciler.apply(spec)
    world.settle(spec)
    member, admin = world.member(spec.tenant, Role.MEMBER), world.member(spec.tenant, Role.ADMIN)
    workload = world.account("workload", spec.namespace, "workload")
    assert member.attempt("GET", resources.POD.path(spec.namespace)).code == 200
    assert workload.attempt("GET", resources.POD.path(spec.namespace)).code == 200

    closed = replace(spec, suspended=True, generation=2)
    reconciler.apply(closed)
    world.settle(closed)
    for actor in (member, admin):
        assert actor.create(in_namespace("v1", "ConfigMap", spec.namespace, some_slug("x"))).code == 403
        assert actor.create(pod(spec.namespace, some_slug("x"))).code == 403
        assert actor.attempt("GET", resources.SECRET.path(spec.namespace, "storage")).code == 403
        assert actor.attempt("DELETE", resources.NETWORK_POLICY.path(spec.namespace, "default-deny")).code == 403
        assert actor.attempt("GET", resources.POD.path(spec.namespace)).code == 200
    assert workload.attempt("GET", resources.POD.path(spec.namespace)).code == 403

    opened = replace(spec, generation=3)
    reconciler.apply(opened)
    world.settle(opened)
    assert member.create(pod(spec.namespace, "again")).code == 200
    reconciler.close()


def test_not_even_the_clusters_administrator_starts_pods_in_it(scene: Scene) -> None:
    reconciler = Reconciler(scene.world.control_plane, RememberedStorage(), FACTS)
    spec = some_spec(suspended=True)
    reconciler.apply(spec)
    scene.world.settle(spec)
    answer = Actor("root", scene.world.admin).create(pod(spec.namespace, some_slug("x")))
    assert (answer.code, "exceeded quota" in answer.message) == (403, True), answer
    reconciler.close()
