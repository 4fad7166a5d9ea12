"""Model serving: addresses of endpoints, what KServe is told and may do, and how models come into pods."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.contract import KubernetesObject, Workspace
from components.isolation.rbac import COMPONENT_CLUSTER_ROLES
from components.serving import COMPONENT
from components.serving.names import (
    ANNOTATION_ASLEEP,
    ANNOTATION_HELD,
    ANNOTATION_IDLE,
    ANNOTATION_PERCENT,
    ANNOTATION_SOURCE,
    ANNOTATION_STATUS,
    ANNOTATION_VERSION,
    EndpointAddress,
    endpoint_of,
)
from components.serving.rbac import CONTROLLER_RULES, MEMBER_RULES, VIEWER_RULES, WORKLOAD_RULES, WORKSPACE_RULES
from components.serving.runtime.fetch import pinned
from components.serving.runtime.serve import NoModel, model_settings
from components.serving.settings import ServingSettings
from controlplane.reconcile.objects.network import GATEWAY_PORTS
from tests.servers.installs import install

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    "uri",
    [
        "/serving/ws-acme--lab/iris/",
        "/serving/ws-acme--lab/iris/v2/models/iris/infer",
        "/serving/ws-acme--lab/iris/v1/models/iris:predict",
        "/serving/ws-acme--lab/iris/v2/models/iris/infer?x=/../%2f",
        "/serving/ws-acme--lab/iris/a/.hidden/..b/c..",
    ],
)
def test_plain_addresses_name_an_endpoint(uri: str) -> None:
    found = endpoint_of(uri)
    assert found == EndpointAddress("ws-acme--lab", "iris")
    assert found.service == "iris-predictor.ws-acme--lab"


ODD = [
    "/serving/ws-acme--lab/iris",
    "/serving/ws-acme--lab/",
    "/serving/ws-acme--lab//v2/",
    "/serving//ws-acme--lab/iris/",
    "/serving/ws-acme--lab/iris//v2",
    "/serving/ws-acme--lab/iris/../other/v2",
    "/serving/ws-acme--lab/iris/./v2",
    "/serving/ws-acme--lab/iris/..",
    "/serving/ws-acme--lab/iris/..?x",
    "/serving/ws-acme--lab/iris/%2e%2e/other",
    "/serving/ws-acme--lab/iris%2f..%2fother/v2",
    "/serving/ws-acme--lab/iris/a%2fb",
    "/serving/ws-acme--lab/iris/a\\b",
    "/serving/ws-acme--lab/iris/a b",
    "/serving/ws-acme--lab/iris/é",
    "/serving/ws-acme--lab/iris/a\n",
    "/serving/ws-acme--lab/iris.ws-evil--lab/v2",
    "/serving/ws-acme--lab.evil/iris/v2",
    "/serving/mlp-system/control-plane/",
    "/serving/kube-system/iris/v2",
    "/serving/WS-acme--lab/iris/v2",
    "/serving/ws-acme--lab/Iris/v2",
    "/serving/ws-acme--lab/-iris/v2",
    "/serving/ws-acme--lab/iris-/v2",
    "/serving/ws-acme--lab/iris:80/v2",
    "/serving/ws-acme--lab/iris@evil/v2",
    f"/serving/ws-acme--lab/{'a' * 54}/v2",
    "/x/../serving/ws-acme--lab/iris/v2",
    "//serving/ws-acme--lab/iris/v2",
    "/serving/ws-acme--lab/iris/v2#f",
]


@pytest.mark.parametrize("uri", ODD)
def test_what_could_be_read_in_two_ways_names_none(uri: str) -> None:
    assert endpoint_of(uri) is None


def test_viewers_call_nothing_and_nobody_holds_wildcards() -> None:
    def may_call(rules: tuple[dict[str, list[str]], ...]) -> bool:
        return any("inferenceservices/predict" in rule["resources"] and "create" in rule["verbs"] for rule in rules)

    assert [may_call(rules) for rules in (VIEWER_RULES, MEMBER_RULES, WORKLOAD_RULES)] == [False, True, True]
    changing = {verb for rule in WORKLOAD_RULES if "inferenceservices" in rule["resources"] for verb in rule["verbs"]}
    assert changing == {"get", "list", "watch"}
    for rule in (*VIEWER_RULES, *MEMBER_RULES, *WORKLOAD_RULES):
        assert not [part for part in (*rule["resources"], *rule["verbs"], *rule["apiGroups"]) if "*" in part]


def _objects(**settings: Any) -> tuple[KubernetesObject, ...]:
    return COMPONENT.objects(ServingSettings(**settings), install())


def _of(kind: str, name: str) -> KubernetesObject:
    return next(obj for obj in _objects() if (obj["kind"], obj["metadata"]["name"]) == (kind, name))


def test_the_controller_changes_nothing_outside_of_workspaces() -> None:
    for rule in CONTROLLER_RULES:
        changing = set(rule["verbs"]) - {"get", "list", "watch"}
        own = {"inferenceservices", "inferenceservices/status", "inferenceservices/finalizers"}
        assert not changing or set(rule["resources"]) <= own, rule
    kinds = {kind for rule in (*CONTROLLER_RULES, *WORKSPACE_RULES) for kind in rule["resources"]}
    assert not kinds & {"secrets", "serviceaccounts", "configmaps"}
    place = Workspace(tenant="acme", name="lab", namespace="ws-acme--lab")
    (binding,) = COMPONENT.workspace_objects(place, install().facts)
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "serving", "namespace": "mlp-serving"}]
    assert binding["roleRef"]["name"] in COMPONENT_CLUSTER_ROLES, "or the control plane may not bind it"
    assert COMPONENT.workspace_objects(replace(place, suspended=True), install().facts) == ()


def test_its_configuration_is_json_without_knative_or_ingress() -> None:
    data = {name: json.loads(text) for name, text in _of("ConfigMap", "inferenceservice-config")["data"].items()}
    assert data["deploy"]["defaultDeploymentMode"] == "Standard"
    assert data["deploy"]["deploymentRolloutStrategy"]["defaultRollout"]["maxUnavailable"] == "0%"
    assert data["ingress"]["disableIngressCreation"]
    assert data["ingress"]["disableIstioVirtualHost"]
    unseen = [ANNOTATION_STATUS, ANNOTATION_PERCENT, ANNOTATION_IDLE, ANNOTATION_ASLEEP, ANNOTATION_HELD]
    assert data["inferenceService"]["serviceAnnotationDisallowedList"] == unseen
    assert data["security"] == {"autoMountServiceAccountToken": False}


@pytest.mark.parametrize("name", ["mlp-mlflow", "mlp-sklearn"])
def test_servers_are_reached_at_their_port_and_end_after_their_callers(name: str) -> None:
    (container,) = _of("ClusterServingRuntime", name)["spec"]["containers"]
    (port,) = container["ports"]
    assert port["containerPort"] in GATEWAY_PORTS
    assert container["lifecycle"]["preStop"]["sleep"]["seconds"] >= 5
    assert container["readinessProbe"]["httpGet"]["port"] == "http"
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["args"][3] == "{{or (index .Labels `mlp.io/canary-of`) .Name}}", "a canary has the other's name"


def test_models_are_fetched_by_the_version_on_the_pod() -> None:
    container = _of("ClusterStorageContainer", "mlp-mlflow")["spec"]["container"]
    read = {variable["name"]: variable["valueFrom"]["fieldRef"]["fieldPath"] for variable in container["env"]}
    assert read == {
        "MLP_MODEL_SOURCE": f"metadata.annotations['{ANNOTATION_SOURCE}']",
        "MLP_MODEL_VERSION": f"metadata.annotations['{ANNOTATION_VERSION}']",
    }
    assert {volume["name"] for volume in container["volumeMounts"]} == {"mlp"}, "other pods than ours have no more"


def test_models_are_loaded_by_the_libraries_that_they_were_made_with() -> None:
    def versions(lock: str) -> dict[str, str]:
        return dict(re.findall(r"^([a-z0-9-]+)==([^ ]+)", (ROOT / lock).read_text(), re.MULTILINE))

    made, loaded = versions("components/tracking/requirements.lock"), versions("components/serving/requirements.lock")
    for name in ("cloudpickle", "joblib", "mlflow", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy", "skops"):
        assert made[name] == loaded[name], f"{name}: run tests/tools/locks.py"


def test_an_alias_is_looked_up_once_for_all_pods_of_a_rollout() -> None:
    uri = "models:/iris@champion"
    assert pinned(uri, uri, "7") == "models:/iris/7"
    assert pinned(uri, "models:/iris@challenger", "7") == uri, "said for another alias"
    assert pinned(uri, uri, "") == uri
    assert pinned(uri, uri, "7/../8") == uri
    assert pinned("models:/iris/3", "models:/iris/3", "7") == "models:/iris/3"
    assert pinned("s3://bucket/x", "s3://bucket/x", "7") == "s3://bucket/x"


@pytest.mark.parametrize(
    ("file", "implementation"),
    [
        ("MLmodel", "components.serving.runtime.model.MlflowModel"),
        ("model.joblib", "components.serving.runtime.model.SklearnModel"),
    ],
)
def test_the_folder_says_how_it_is_served(tmp_path: Path, file: str, implementation: str) -> None:
    (tmp_path / file).touch()
    made = model_settings("iris", tmp_path)
    assert (made["name"], made["implementation"]) == ("iris", implementation)


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoModel, match="MLmodel"):
        model_settings("iris", tmp_path)
