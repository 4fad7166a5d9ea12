"""What a real API server refuses of an experiment before Katib is asked, which here is away."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from components.names import Role
from components.tuning.objects import UPSTREAM
from components.tuning.policies import policies
from components.upstream import definitions
from controlplane.reconcile.service import Reconciler
from tests.contract.reconcile.world import FACTS, Actor, Answer, RememberedStorage, World, served, some_spec, until
from tests.servers.installs import install
from tests.servers.kubernetes import KubernetesServer

pytestmark = pytest.mark.contract
_PATH = "/apis/kubeflow.org/v1beta1/namespaces/{}/experiments"


@pytest.fixture(scope="module")
def world(kubernetes_server: KubernetesServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(kubernetes_server, tmp_path_factory.mktemp("world"))
    for obj in definitions(install(), UPSTREAM.name, "tuning"):
        made.admin.apply(obj)
    for policy in policies():
        for obj in policy.objects():
            made.admin.apply(obj)
    made.wait_for_policies()
    for kind in ("Experiment", "Trial", "Suggestion"):
        until(f"{kind} is served", partial(served, made.admin, "kubeflow.org/v1beta1", kind))
    yield made
    made.close()


@pytest.fixture(scope="module")
def place(world: World) -> Iterator[tuple[Actor, str]]:
    """A member, and the namespace of a workspace of theirs."""
    reconciler, spec = Reconciler(world.control_plane, RememberedStorage(), FACTS), some_spec()
    reconciler.apply(spec)
    world.settle(spec)
    yield world.member(spec.tenant, Role.MEMBER), spec.namespace
    reconciler.close()


def _try(member: Actor, namespace: str, **spec: Any) -> Answer:
    body = {
        "apiVersion": "kubeflow.org/v1beta1",
        "kind": "Experiment",
        "metadata": {"name": "search", "namespace": namespace},
        "spec": spec,
    }
    return member.attempt("POST", _PATH.format(namespace), body, dryRun="All")


@pytest.mark.parametrize(
    "source",
    [
        {"configMapName": "secretive", "configMapNamespace": "ws-other--lab", "templatePath": "x"},
        {"configMapName": "platform-facts", "configMapNamespace": "mlp-system", "templatePath": "x"},
        {"configMapName": "mine", "configMapNamespace": "", "templatePath": "x"},
        {"configMapName": "mine", "templatePath": "x"},
    ],
)
def test_templates_of_others_are_refused(place: tuple[Actor, str], source: dict[str, str]) -> None:
    answer = _try(*place, trialTemplate={"configMap": source})
    assert (answer.code, "(rule: trial-templates)" in answer.message) == (403, True)


def test_templates_of_ones_own_are_left_to_katib(place: tuple[Actor, str]) -> None:
    own = {"configMapName": "mine", "configMapNamespace": place[1], "templatePath": "x"}
    assert _try(*place, trialTemplate={"configMap": own}).code == 200
    assert _try(*place, trialTemplate={"trialSpec": {"apiVersion": "batch/v1", "kind": "Job"}}).code == 200


@pytest.mark.parametrize(("policy", "code"), [("", 200), ("Never", 200), ("LongRunning", 200), ("FromVolume", 403)])
def test_resuming_from_a_volume_is_refused(place: tuple[Actor, str], policy: str, code: int) -> None:
    answer = _try(*place, resumePolicy=policy)
    assert answer.code == code, answer.message
    assert code == 200 or "use Never or LongRunning" in answer.message


def test_only_katib_makes_trials_and_suggestions(place: tuple[Actor, str]) -> None:
    member, namespace = place
    for kind in ("Trial", "Suggestion"):
        path = _PATH.format(namespace).replace("experiments", f"{kind.lower()}s")
        body = {"apiVersion": "kubeflow.org/v1beta1", "kind": kind, "metadata": {"name": "x"}, "spec": {}}
        assert member.attempt("POST", path, body, dryRun="All").code == 403
