"""What holds for the objects of every component, and what is particular to one."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from components.catalog import CATALOG
from components.catalog import component as named
from components.contract import Component, KubernetesObject, Workspace
from components.gateway.settings import GatewaySettings
from components.names import LABEL_COMPONENT, LABEL_MANAGED_BY, LABEL_NAME, component_namespace
from tests.servers.installs import OWN, facts, install

INSTALLED = [named(name) for name in ("network", "volumes", "database", "storage", "tracking", "gateway")]
"""Those of one namespace of their own and one workload; isolation and the control plane have tests of their own."""
PRIVILEGED = {"network": "works on the nodes' interfaces", "volumes": "helper pods mount the volumes' folder"}
each_component = pytest.mark.parametrize("component", INSTALLED, ids=lambda each: each.name)
_UNITS = {"": 1, "m": Decimal("0.001"), "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


def _objects(component: Component[Any], **changes: Any) -> tuple[KubernetesObject, ...]:
    return component.objects(component.settings(), install(**changes))


def _of_kind(component: Component[Any], kind: str) -> list[KubernetesObject]:
    return [obj for obj in _objects(component) if obj["kind"] == kind]


def _templates(component: Component[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for obj in _objects(component):
        if obj["kind"] in {"Deployment", "StatefulSet", "DaemonSet", "Job"}:
            yield f"{obj['kind']} {obj['metadata']['name']}", obj["spec"]["template"]


def _containers(template: dict[str, Any]) -> list[dict[str, Any]]:
    return [*template["spec"].get("initContainers", []), *template["spec"]["containers"]]


@each_component
def test_namespace_comes_first_with_its_security_level(component: Component[Any]) -> None:
    first = _objects(component)[0]
    assert (first["kind"], first["metadata"]["name"]) == ("Namespace", component_namespace(component.name))
    level = first["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
    assert level == ("privileged" if component.name in PRIVILEGED else "restricted")


@each_component
def test_objects_are_labelled_named_once_and_at_home(component: Component[Any]) -> None:
    seen = set()
    for obj in _objects(component):
        metadata = obj["metadata"]
        key = (obj["kind"], metadata.get("namespace"), metadata["name"])
        assert key not in seen
        seen.add(key)
        assert metadata["labels"][LABEL_COMPONENT] == component.name
        assert metadata["labels"][LABEL_MANAGED_BY] == "mlp-installer"
        assert metadata["labels"]["app.kubernetes.io/part-of"] == "mlp"
        assert LABEL_NAME in metadata["labels"]
        assert metadata.get("namespace", component_namespace(component.name)) == component_namespace(component.name)


@each_component
def test_rendering_is_pure(component: Component[Any]) -> None:
    given = install()
    before = copy.deepcopy((dict(given.images), dict(given.secrets), given.facts))
    first = json.dumps(component.objects(component.settings(), given), sort_keys=True)
    assert first == json.dumps(component.objects(component.settings(), given), sort_keys=True)
    assert (dict(given.images), dict(given.secrets), given.facts) == before


@each_component
def test_nothing_reaches_a_pod_that_no_policy_names(component: Component[Any]) -> None:
    policies = {obj["metadata"]["name"]: obj["spec"] for obj in _of_kind(component, "NetworkPolicy")}
    assert policies["default-deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for name, spec in policies.items():
        if name == "default-deny":
            continue
        for rule in spec.get("ingress", []):
            assert rule["ports"]
            assert rule.get("from") or component.name == "gateway"
        for rule in spec.get("egress", []):
            assert rule["ports"]
            assert rule["to"]
        for peer in [p for rule in spec.get("ingress", []) + spec.get("egress", []) for p in rule.get("from", [])]:
            assert peer.get("namespaceSelector") != {}
        # kube-router refuses new connections for moments where a name stands for several numbers.
        for port in [p for rule in spec.get("ingress", []) + spec.get("egress", []) for p in rule["ports"]]:
            assert isinstance(port["port"], int), name


@each_component
def test_containers_hold_no_rights_that_they_do_not_need(component: Component[Any]) -> None:
    for name, template in _templates(component):
        spec = template["spec"]
        assert spec["serviceAccountName"] == component.name
        assert spec["enableServiceLinks"] is False
        for container in _containers(template):
            security = container["securityContext"]
            where = f"{name} {container['name']}"
            assert security["readOnlyRootFilesystem"] is True, where
            assert container["resources"]["limits"]["memory"], where
            assert set(container["resources"]["requests"]) == {"cpu", "memory"}, where
            if component.name == "network":
                continue
            assert spec["securityContext"]["runAsNonRoot"] is True, where
            assert spec["securityContext"]["runAsUser"] >= 1000, where
            assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, where
            assert security["allowPrivilegeEscalation"] is False, where
            assert security["capabilities"] == {"drop": ["ALL"]}, where


@each_component
def test_every_long_lived_container_is_watched(component: Component[Any]) -> None:
    for name, template in _templates(component):
        for container in template["spec"]["containers"]:
            if container["name"] == "provisioner":
                continue  # it opens no port; its own process ends on errors
            assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container), f"{name} {container['name']}"


@each_component
def test_token_is_mounted_only_where_the_api_server_is_asked(component: Component[Any]) -> None:
    mounted = {template["spec"]["automountServiceAccountToken"] for _, template in _templates(component)}
    assert mounted == {component.name in {"network", "volumes", "tracking"}}
    for account in _of_kind(component, "ServiceAccount"):
        assert account["automountServiceAccountToken"] is False


@each_component
def test_secrets_stay_in_secrets(component: Component[Any]) -> None:
    for obj in _objects(component):
        text = json.dumps(obj)
        if obj["kind"] != "Secret":
            assert "value-of-" not in text, obj["kind"]


@each_component
def test_changed_secret_or_setting_rolls_the_pods_that_read_it(component: Component[Any]) -> None:
    if component.name in {"network", "volumes"}:
        return
    given = install()
    other = type(given)(given.facts, given.images, {name: value + "x" for name, value in given.secrets.items()})
    for before, after in zip(
        component.objects(component.settings(), given), component.objects(component.settings(), other), strict=True
    ):
        if "template" in before.get("spec", {}):
            assert before["spec"]["template"] != after["spec"]["template"]
            assert before["spec"]["selector"] == after["spec"]["selector"]


@each_component
def test_selectors_find_the_pods(component: Component[Any]) -> None:
    labels = [template["metadata"]["labels"] for _, template in _templates(component)]
    for obj in _of_kind(component, "Service"):
        assert any(obj["spec"]["selector"].items() <= found.items() for found in labels)
    for endpoint in component.facts(component.settings()).values():
        if hasattr(endpoint, "pod_labels"):
            assert any(endpoint.pod_labels.items() <= found.items() for found in labels)
            ports = [
                port["containerPort"]
                for _, template in _templates(component)
                for container in template["spec"]["containers"]
                for port in container.get("ports", [])
            ]
            assert endpoint.port in ports


@each_component
def test_ready_names_workloads_that_exist(component: Component[Any]) -> None:
    here = {
        (obj["apiVersion"], obj["kind"], obj["metadata"].get("namespace"), obj["metadata"]["name"])
        for obj in _objects(component)
    }
    refs = component.ready(component.settings())
    assert refs
    assert {(ref.api_version, ref.kind, ref.namespace, ref.name) for ref in refs} <= here


@each_component
def test_images_that_objects_name_are_built(component: Component[Any]) -> None:
    named = {container["image"] for _, template in _templates(component) for container in _containers(template)}
    assert named <= {f"registry.mlp.internal/{image.name}:1" for image in component.images(component.settings())}


def _amount(text: str) -> Decimal:
    found = re.fullmatch(r"([0-9.]+)([a-zA-Z]*)", text)
    assert found
    return Decimal(found[1]) * _UNITS[found[2]]


def test_idle_platform_asks_for_little() -> None:
    cpu, memory = Decimal(0), Decimal(0)
    for component in OWN:
        for _, template in _templates(component):
            for container in template["spec"]["containers"]:
                cpu += _amount(container["resources"]["requests"]["cpu"])
                memory += _amount(container["resources"]["requests"]["memory"])
    assert cpu <= Decimal("1.2")
    assert memory <= 2048 * 2**20


def test_one_writer_volumes_are_never_mounted_twice() -> None:
    for component in INSTALLED:
        for obj in _objects(component):
            claims = obj.get("spec", {}).get("volumeClaimTemplates")
            if claims:
                assert obj["spec"]["replicas"] == 1
                assert claims[0]["spec"]["accessModes"] == ["ReadWriteOnce"]


def test_gateway_is_exposed_as_asked_for() -> None:
    gateway = next(each for each in CATALOG if each.name == "gateway")

    def service(settings: GatewaySettings) -> dict[str, Any]:
        return next(o["spec"] for o in gateway.objects(settings, install()) if o["kind"] == "Service")

    assert service(GatewaySettings())["type"] == "NodePort"
    assert service(GatewaySettings(node_port=31000))["ports"][0]["nodePort"] == 31000
    assert service(GatewaySettings(exposure="load-balancer"))["type"] == "LoadBalancer"
    assert "type" not in service(GatewaySettings(exposure="internal"))
    kinds = [o["kind"] for o in gateway.objects(GatewaySettings(replicas=2), install())]
    assert "PodDisruptionBudget" in kinds


def test_gateway_works_without_tracking() -> None:
    gateway = next(each for each in CATALOG if each.name == "gateway")
    objects = _objects(gateway, tracking=None, notebooks=None)
    text = next(o["data"]["nginx.conf"] for o in objects if o["kind"] == "ConfigMap")
    assert "location /mlflow/" not in text
    assert text.count("auth_request /_authorize;") == 3, "of the Kubernetes API, endpoints and Kubeflow Pipelines"


def test_workspaces_learn_where_things_are_and_no_secrets() -> None:
    workspace = Workspace(tenant="acme", name="dev", namespace="ws-acme--dev")
    made = [obj for each in CATALOG for obj in each.workspace_objects(workspace, facts())]
    found = {obj["metadata"]["name"]: obj for obj in made if obj["kind"] == "ConfigMap"}
    assert all(obj["metadata"]["namespace"] == "ws-acme--dev" for obj in found.values())
    assert found["mlflow"]["data"] == {
        "MLFLOW_TRACKING_URI": "https://gateway.mlp-gateway.svc/mlflow",
        "MLFLOW_WORKSPACE": "ws-acme--dev",
        "MLFLOW_EXPERIMENT_NAME": "Default",
        "MLFLOW_TRACKING_AUTH": "mlp",
        "MLFLOW_TRACKING_SERVER_CERT_PATH": "/var/run/secrets/mlp/ca.crt",
        "MLP_TOKEN_FILE": "/var/run/secrets/mlp/token",
    }
    assert found["mlp-ca"]["data"] == {"ca.crt": "-----BEGIN CERTIFICATE-----\n"}
    assert found["storage"]["data"] == {
        "AWS_ENDPOINT_URL_S3": "http://storage.mlp-storage.svc:9000",
        "AWS_DEFAULT_REGION": "us-east-1",
    }


def test_workspaces_get_nothing_of_what_is_switched_off() -> None:
    workspace = Workspace(tenant="acme", name="dev", namespace="ws-acme--dev")
    less = facts(tracking=None, storage=None)
    names = {obj["metadata"]["name"] for each in CATALOG for obj in each.workspace_objects(workspace, less)}
    assert not names & {"mlflow", "mlp-ca", "storage"}
