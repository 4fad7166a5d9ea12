"""What replaces, what updates, and what a preview says."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest

from components.resource import register
from infra.engine.errors import EngineError
from infra.stacks.objects import KubernetesProvider
from tests.contract.kubernetes_provider.conftest import Case
from tests.contract.kubernetes_provider.objects import (
    SKIP_AWAIT,
    claim,
    config_map,
    deployment,
    job,
    service,
    stateful_set,
)

pytestmark = pytest.mark.contract

MAPS = "v1/configmaps"


def test_immutable_fields_replace_deleting_first_where_the_name_is_fixed(case: Case) -> None:
    def program(kind: str) -> dict[str, Any]:
        return {
            "deployment": deployment("web", labels={"app": kind}, replicas=0, **SKIP_AWAIT),
            "stateful": stateful_set("data", service=kind, **SKIP_AWAIT),
            "job": job("once", image=f"registry.test/{kind}:1", **SKIP_AWAIT),
            "claim": claim("disk", storage_class=kind, **SKIP_AWAIT),
            "service": {**service("entry", clusterIP="None" if kind == "one" else ""), "metadata": {"name": "entry"}},
        }

    places = {
        "deployment": ("apps/v1/deployments", "web"),
        "stateful": ("apps/v1/statefulsets", "data"),
        "job": ("batch/v1/jobs", "once"),
        "claim": ("v1/persistentvolumeclaims", "disk"),
        "service": ("v1/services", "entry"),
    }
    second = program("two")
    second["service"]["spec"]["clusterIP"] = "10.96.77.77"
    case.up(program("one"))
    before = {name: case.uid(*place) for name, place in places.items()}

    planned = case.preview(second)
    done = case.up(second)

    expected = dict.fromkeys(places, "replace")
    assert case.ops(planned) == expected
    assert case.ops(done) == expected
    after = {name: case.uid(*place) for name, place in places.items()}
    assert all(after[name] != before[name] for name in places)


def test_another_name_or_namespace_replaces(case: Case) -> None:
    other = case.server.create_namespace("other")
    case.up({"named": config_map("first", {"a": "1"}), "placed": config_map("placed", {"a": "1"})})

    result = case.up(
        {"named": config_map("second", {"a": "1"}), "placed": config_map("placed", {"a": "1"}, namespace=other)}
    )

    assert case.ops(result) == {"named": "replace", "placed": "replace"}
    left = {each["metadata"]["name"] for each in case.list(MAPS)}
    assert left & {"first", "second", "placed"} == {"second"}
    assert case.server.request("GET", f"/api/v1/namespaces/{other}/configmaps/placed")["data"] == {"a": "1"}


def test_an_immutable_config_map_replaces_and_others_update(case: Case) -> None:
    fixed = {"immutable": True}
    case.up({"fixed": {**config_map("fixed", {"a": "1"}), **fixed}, "loose": config_map("loose", {"a": "1"})})
    before = case.uid(MAPS, "loose")

    result = case.up({"fixed": {**config_map("fixed", {"a": "2"}), **fixed}, "loose": config_map("loose", {"a": "2"})})

    assert case.ops(result) == {"fixed": "replace", "loose": "update"}
    assert case.get(MAPS, "fixed")["data"] == {"a": "2"}
    assert case.uid(MAPS, "loose") == before


def test_a_claim_is_done_when_bound_and_its_size_updates(case: Case) -> None:
    name = f"grows-{case.namespace}"
    storage = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name},
        "provisioner": "test.invalid/none",
        "allowVolumeExpansion": True,
    }
    case.server.request("POST", "/apis/storage.k8s.io/v1/storageclasses", storage)
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": name,
            "hostPath": {"path": "/nowhere"},
        },
    }
    case.server.request("POST", "/api/v1/persistentvolumes", volume)
    case.up({"disk": claim("disk", storage_class=name)})
    assert case.get("v1/persistentvolumeclaims", "disk")["status"]["phase"] == "Bound"

    result = case.up({"disk": claim("disk", size="2Gi", storage_class=name)})

    assert case.ops(result) == {"disk": "update"}
    spec = case.get("v1/persistentvolumeclaims", "disk")["spec"]
    assert spec["resources"]["requests"] == {"storage": "2Gi"}


def test_a_preview_writes_nothing(case: Case) -> None:
    planned = case.preview({"settings": config_map("settings", {"a": "1"})})
    assert case.ops(planned) == {"settings": "create"}
    assert "settings" not in {each["metadata"]["name"] for each in case.list(MAPS)}


def test_a_preview_shows_which_fields_differ(case: Case) -> None:
    case.up({"settings": config_map("settings", {"a": "1", "b.c": "1"})})

    planned = case.preview({"settings": config_map("settings", {"a": "2", "b.c": "2"})})

    (change,) = planned.changes
    assert set(change.properties) == {"data.a", 'data["b.c"]'}


@pytest.mark.parametrize("kubeconfig", ["/nowhere/kubeconfig", "refuses"])
def test_a_preview_of_a_cluster_that_does_not_exist_yet_is_possible(case: Case, kubeconfig: str) -> None:
    if kubeconfig == "refuses":
        case.kubeconfig = case.server.kubeconfig.read_text().replace(case.server.url, "https://127.0.0.1:1")
    else:
        case.kubeconfig = kubeconfig
    objects = {"settings": config_map("settings", {"a": "1"}), "web": deployment("web")}

    planned = case.preview(objects)

    assert case.ops(planned) == {"settings": "create", "web": "create"}
    with pytest.raises(EngineError):
        case.up(objects)


def test_a_preview_goes_on_where_the_kubeconfig_is_not_known_yet(case: Case) -> None:
    def program() -> None:
        first = KubernetesProvider("first", kubeconfig=case.kubeconfig, cluster="first")
        seed = register("seed", config_map("seed", {"path": case.kubeconfig}), pulumi.ResourceOptions(provider=first))
        # Only a real create tells the id, so in a preview the second provider's kubeconfig is unknown.
        later = seed.id.apply(lambda found: case.kubeconfig if found else "")
        second = KubernetesProvider("second", kubeconfig=later, cluster="second")
        register("late", config_map("late", {"a": "1"}), pulumi.ResourceOptions(provider=second))

    planned = case.engine.preview(case.stack, program)
    done = case.engine.up(case.stack, program)

    assert case.ops(planned) == {"seed": "create", "late": "create"}
    assert case.ops(done) == {"seed": "create", "late": "create"}
    assert case.get(MAPS, "late")["data"] == {"a": "1"}
