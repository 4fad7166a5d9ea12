"""The control plane's own objects: rights, walls, secrets, pods."""

from __future__ import annotations

from typing import Any

import pytest

from components.catalog import CATALOG
from components.contract import Install, KubernetesObject
from components.control_plane import COMPONENT
from components.control_plane.names import pods
from components.control_plane.settings import ControlPlaneSettings
from components.facts import PlatformFacts
from components.names import PEOPLE_CLUSTER_ROLE
from controlplane.contents.kinds import KINDS
from tests.servers.facts import facts


@pytest.fixture
def install() -> Install:
    known: dict[str, Any] = facts().model_dump()
    for component in CATALOG:
        known |= component.facts(component.settings())
    settings = ControlPlaneSettings()
    return Install(
        facts=PlatformFacts(**known),
        images={image.name: f"registry.test/{image.name}:1" for image in COMPONENT.images(settings)},
        secrets={name: f"secret-{name}" for component in CATALOG for name in component.secrets},
    )


@pytest.fixture
def objects(install: Install) -> tuple[KubernetesObject, ...]:
    return COMPONENT.objects(ControlPlaneSettings(), install)


def _of(objects: tuple[KubernetesObject, ...], kind: str) -> dict[str, KubernetesObject]:
    return {o["metadata"]["name"]: o for o in objects if o["kind"] == kind}


def _pods(objects: tuple[KubernetesObject, ...]) -> dict[str, dict[str, Any]]:
    found = {**_of(objects, "Deployment"), **_of(objects, "StatefulSet")}
    return {name: o["spec"]["template"]["spec"] for name, o in found.items()}


def test_everything_lives_in_the_system_namespace(objects: tuple[KubernetesObject, ...]) -> None:
    assert objects[0]["kind"] == "Namespace"
    assert {o["metadata"].get("namespace") for o in objects} == {None, "mlp-system"}
    labels = objects[0]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_objects_are_named_once_and_the_same_every_time(
    install: Install, objects: tuple[KubernetesObject, ...]
) -> None:
    names = [(o["kind"], o["metadata"]["name"]) for o in objects]
    assert len(names) == len(set(names))
    assert COMPONENT.objects(ControlPlaneSettings(), install) == objects


def test_every_pod_is_restricted_and_bounded(objects: tuple[KubernetesObject, ...]) -> None:
    for name, pod in _pods(objects).items():
        assert pod["securityContext"]["runAsNonRoot"], name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in [*pod.get("initContainers", ()), *pod["containers"]]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert context["readOnlyRootFilesystem"]
            assert container["resources"]["limits"]["memory"]


def test_the_api_sees_what_runs_and_writes_nothing_new(objects: tuple[KubernetesObject, ...]) -> None:
    assert _pods(objects)["control-plane-api"]["serviceAccountName"] == "control-plane-api"
    rules = _of(objects, "ClusterRole")["mlp-control-plane-api"]["rules"]
    made = {resource for rule in rules for resource in rule["resources"] if "create" in rule["verbs"]}
    assert made == {"tokenreviews", "subjectaccessreviews"}
    assert not {verb for rule in rules for verb in rule["verbs"]} - {"create", "get", "list", "patch", "delete"}
    seen = {resource for rule in rules for resource in rule["resources"]}
    assert not seen & {"secrets", "configmaps", "pods/exec", "rolebindings", "namespaces"}


def test_the_api_has_the_rights_for_every_kind_it_shows(objects: tuple[KubernetesObject, ...]) -> None:
    rules = _of(objects, "ClusterRole")["mlp-control-plane-api"]["rules"]
    held = {(g, r, v) for rule in rules for g in rule["apiGroups"] for r in rule["resources"] for v in rule["verbs"]}
    for kind in KINDS.values():
        needed = {"get", "list", "delete"} | ({"patch"} if kind.stop is not None else set())
        assert {(kind.resource.group, kind.resource.plural, verb) for verb in needed} <= held, kind.kind


def test_no_rule_of_the_control_plane_is_wild(objects: tuple[KubernetesObject, ...]) -> None:
    for rule in _of(objects, "ClusterRole")["mlp-control-plane"]["rules"]:
        assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
        assert "impersonate" not in rule["verbs"]
        assert "escalate" not in rule["verbs"] or rule["resourceNames"] == [PEOPLE_CLUSTER_ROLE]
    people = _of(objects, "ClusterRole")[PEOPLE_CLUSTER_ROLE]
    assert "rules" not in people, "the control plane writes them; ours would replace those at every installation"
    binding = _of(objects, "ClusterRoleBinding")[PEOPLE_CLUSTER_ROLE]
    assert [(s["namespace"], s["name"]) for s in binding["subjects"]] == [("mlp-system", "people")]


def test_no_pod_is_the_account_that_speaks_for_people_and_the_api_alone_makes_its_tokens(
    objects: tuple[KubernetesObject, ...],
) -> None:
    assert "people" in _of(objects, "ServiceAccount")
    assert "people" not in [pod["serviceAccountName"] for pod in _pods(objects).values()]
    (rule,) = _of(objects, "Role")["mlp-people-tokens"]["rules"]
    assert (rule["resources"], rule["verbs"], rule["resourceNames"]) == (
        ["serviceaccounts/token"],
        ["create"],
        ["people"],
    )
    (subject,) = _of(objects, "RoleBinding")["mlp-people-tokens"]["subjects"]
    assert (subject["namespace"], subject["name"]) == ("mlp-system", "control-plane-api")


def test_each_secret_is_mounted_only_where_it_is_needed(objects: tuple[KubernetesObject, ...]) -> None:
    def mounted(container: dict[str, Any], pod: dict[str, Any]) -> set[str]:
        names = {m["name"] for m in container.get("volumeMounts", ())}
        return {v["secret"]["secretName"] for v in pod["volumes"] if "secret" in v and v["name"] in names}

    found = {
        (name, container["name"]): mounted(container, pod)
        for name, pod in _pods(objects).items()
        for container in [*pod.get("initContainers", ()), *pod["containers"]]
    }
    assert {key for key, secrets in found.items() if "control-plane-owner" in secrets} == {
        ("control-plane-api", "migrate")
    }
    assert {key for key, secrets in found.items() if "control-plane-gateway" in secrets} == {
        ("control-plane-api", "api")
    }
    assert {key for key, secrets in found.items() if "control-plane-storage" in secrets} == {
        ("control-plane-worker", "worker"), ("control-plane-watcher", "watcher"),
    }  # fmt: skip
    assert {key for key, secrets in found.items() if "control-plane-tracking" in secrets} == {
        ("control-plane-watcher", "watcher")
    }
    text = str([o for o in objects if o["kind"] != "Secret"])
    assert "secret-" not in text, "no secret's value outside of Secrets"


def test_only_the_gateway_comes_in_and_only_its_own_parts_reach_the_queue(
    objects: tuple[KubernetesObject, ...],
) -> None:
    policies = _of(objects, "NetworkPolicy")
    assert policies["default-deny"]["spec"]["podSelector"] == {}
    (rule,) = policies["api"]["spec"]["ingress"]
    assert rule["from"][0]["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "mlp-gateway"}
    assert [p["port"] for p in rule["ports"]] == [8000]
    (rule,) = policies["queue"]["spec"]["ingress"]
    assert [peer["podSelector"]["matchLabels"] for peer in rule["from"]] == [
        pods(part) for part in ("api", "worker", "watcher")
    ]
    for part in ("worker", "watcher"):
        assert "ingress" not in policies[part]["spec"]
    assert policies["queue"]["spec"]["policyTypes"] == ["Ingress"]


def test_services_and_selectors_fit_the_pods(objects: tuple[KubernetesObject, ...]) -> None:
    workloads = {**_of(objects, "Deployment"), **_of(objects, "StatefulSet")}
    for name, workload in workloads.items():
        labels = workload["spec"]["template"]["metadata"]["labels"]
        assert workload["spec"]["selector"]["matchLabels"].items() <= labels.items(), name
    services = _of(objects, "Service")
    assert services["control-plane"]["spec"]["selector"] == pods("api")
    assert services["control-plane-queue"]["spec"]["selector"] == pods("queue")
    assert {ref.name for ref in COMPONENT.ready(ControlPlaneSettings())} == set(workloads)


def test_the_queue_knows_one_user_by_hash(objects: tuple[KubernetesObject, ...]) -> None:
    acl = _of(objects, "Secret")["control-plane-queue"]["stringData"]["users.acl"]
    assert "user default off" in acl
    assert "secret-control-plane-queue-password" not in acl
    config = _of(objects, "ConfigMap")["control-plane-queue"]["data"]["valkey.conf"]
    assert "maxmemory-policy noeviction" in config
    assert "appendonly yes" in config
