"""The admission policies as the API server sees them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from components.isolation import IsolationSettings
from components.isolation.objects import policies
from components.isolation.policies.model import Match, Policy, Rule
from controlplane.kube.resources import Resource
from tests.contract.reconcile.world import FACTS, World, some_slug, until
from tests.servers.kubernetes import KubernetesServer

pytestmark = pytest.mark.contract

POLICY = Resource(
    "admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy", "validatingadmissionpolicies", namespaced=False
)


@pytest.fixture(scope="module")
def world(kubernetes_server: KubernetesServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(kubernetes_server, tmp_path_factory.mktemp("isolation"))
    yield made
    made.close()


def warnings(world: World, name: str) -> list[dict[str, str]]:
    """The API server's type check of a policy, once it was made."""

    def checked() -> bool:
        found = world.admin.get(POLICY, None, name)
        return found.get("status", {}).get("observedGeneration") == found["metadata"]["generation"]

    until(f"{name} is type-checked", checked)
    status = world.admin.get(POLICY, None, name)["status"]
    return list(status.get("typeChecking", {}).get("expressionWarnings", []))


@pytest.mark.parametrize("name", [policy.name for policy in policies(IsolationSettings(), FACTS)])
def test_every_expression_passes_the_type_check(world: World, name: str) -> None:
    assert warnings(world, name) == []


def test_the_type_check_finds_what_is_wrong(world: World) -> None:
    rule = Rule("x", "object.spec.nonsense == 1", "x")
    wrong = Policy(some_slug("wrong"), (Match("", ("pods",)),), (rule,))
    world.admin.apply(wrong.objects()[0])
    try:
        assert "undefined field 'nonsense'" in warnings(world, wrong.name)[0]["warning"]
    finally:
        world.admin.delete(POLICY, None, wrong.name)


def test_installing_again_changes_nothing(world: World) -> None:
    for policy in policies(IsolationSettings(), FACTS):
        warnings(world, policy.name)  # what the type check found is written down, which is a change as well
    before = {o["metadata"]["name"]: o["metadata"]["resourceVersion"] for o in world.admin.list(POLICY)}
    for policy in policies(IsolationSettings(), FACTS):
        for obj in policy.objects():
            world.admin.apply(obj)
    after = {o["metadata"]["name"]: o["metadata"]["resourceVersion"] for o in world.admin.list(POLICY)}
    ours = {policy.name for policy in policies(IsolationSettings(), FACTS)}
    assert {n: v for n, v in after.items() if n in ours} == {n: v for n, v in before.items() if n in ours}
