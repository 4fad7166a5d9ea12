"""The plan: order of steps, and which changes are refused."""

from __future__ import annotations

from infra.plan.steps import FIRST_TENANT, IMMUTABLE, Change, changes, steps
from infra.profile.load import load, shipped


def dump(*overrides: str) -> dict[str, object]:
    return load("local", overrides).model_dump(mode="json", by_alias=True)


def test_steps_are_in_order_and_the_first_tenant_is_a_choice() -> None:
    assert [step.name for step in steps(load("local"))] == [
        "preflight",
        "toolchain",
        "images",
        "cluster",
        "components",
        "control-plane",
        "first-tenant",
    ]
    assert FIRST_TENANT not in steps(load("local", ["first_tenant=null"]))


def test_on_a_cloud_images_are_pushed_and_the_domain_is_pointed() -> None:
    assert [step.name for step in steps(load("aws"))] == [
        "preflight",
        "toolchain",
        "images",
        "cluster",
        "push",
        "components",
        "address",
        "control-plane",
        "first-tenant",
    ]


def test_changes_name_both_values_and_whether_they_may_differ() -> None:
    before, after = dump(), dump("local.nodes=3", "kubernetes.ranges.pods=10.100.0.0/16")
    assert changes(before, after) == (
        Change("kubernetes.ranges.pods", "10.244.0.0/16", "10.100.0.0/16", immutable=True),
        Change("local.nodes", 1, 3, immutable=False),
    )


def test_a_first_installation_changes_nothing() -> None:
    assert changes({}, dump()) == ()


def test_immutable_fields_exist() -> None:
    documents = [load(name).model_dump(mode="json", by_alias=True) for name in shipped()]

    def reach(document: object, path: str) -> bool:
        for key in path.split("."):
            if not isinstance(document, dict) or key not in document:
                return False
            document = document[key]
        return True

    assert [path for path in IMMUTABLE if not any(reach(document, path) for document in documents)] == []
