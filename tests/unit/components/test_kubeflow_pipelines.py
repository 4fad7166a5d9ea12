"""Kubeflow Pipelines: what a workspace with the feature gets, what it may do, and what must be given first."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components import kubeflow_pipelines
from components.contract import KubernetesObject, Workspace
from components.facts import Endpoint, KubeflowPipelines, PlatformFacts
from components.kubeflow_pipelines.names import NAME, VERSION
from components.kubeflow_pipelines.rbac import INSTANCE_RULES, MEMBER_RULES, VIEWER_RULES
from components.kubeflow_pipelines.settings import GivenImages, KubeflowPipelinesSettings, problems
from components.kubeflow_pipelines.workspace import workspace_objects
from components.tracking.workspace import WORKLOAD_SERVICE_ACCOUNT
from controlplane.quotas.model import parse_quantity
from tests.servers.facts import facts

REGISTRY = "registry.test/"
GIVEN = GivenImages(**{name: f"{REGISTRY}kubeflow/{name}:{VERSION}" for name in GivenImages.model_fields})
WORKSPACE = Workspace("vision", "one", "ws-vision--one", features=frozenset({NAME}))


def installed(**changes: Any) -> PlatformFacts:
    given: dict[str, Any] = {
        "kubeflow_pipelines": KubeflowPipelines(**GIVEN.model_dump(), storage="5Gi"),
        "kubeflow_database_image": f"{REGISTRY}kubeflow-database:1",
        "storage": Endpoint(url="http://storage.mlp-storage.svc:7070", namespace="mlp-storage", port=7070),
        "gateway": Endpoint(url="https://gateway.mlp-gateway.svc:8443", namespace="mlp-gateway", port=8443),
    }
    return facts().model_copy(update=given | changes)


def one(kind: str, name: str, objects: tuple[KubernetesObject, ...]) -> KubernetesObject:
    (found,) = [obj for obj in objects if (obj["kind"], obj["metadata"]["name"]) == (kind, name)]
    return found


@pytest.mark.parametrize(
    ("workspace", "given"),
    [
        (replace(WORKSPACE, features=frozenset()), installed()),
        (WORKSPACE, installed(kubeflow_pipelines=None)),
        (WORKSPACE, installed(storage=None)),
    ],
    ids=["not asked for", "not installed", "no storage inside"],
)
def test_nothing_without_the_feature_and_what_it_needs(workspace: Workspace, given: PlatformFacts) -> None:
    assert workspace_objects(workspace, given) == ()


def test_everything_stays_in_the_workspace() -> None:
    made = workspace_objects(WORKSPACE, installed())
    assert {obj["metadata"]["namespace"] for obj in made} == {WORKSPACE.namespace}
    binding = one("RoleBinding", "mlp-kubeflow-pipelines", made)
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": NAME, "namespace": WORKSPACE.namespace}]


def test_the_server_gets_no_secret_by_its_configuration() -> None:
    made = workspace_objects(WORKSPACE, installed())
    configuration = json.loads(one("ConfigMap", NAME, made)["data"]["config.json"])
    store = configuration["ObjectStoreConfig"]
    assert (store["Host"], store["Port"], store["Secure"]) == ("storage.mlp-storage.svc", "7070", False)
    assert store["BucketName"] == WORKSPACE.namespace
    assert not {"AccessKey", "SecretAccessKey"} & store.keys()
    assert configuration["DEFAULTPIPELINERUNNERSERVICEACCOUNT"] == WORKLOAD_SERVICE_ACCOUNT
    assert "plugins" not in configuration


def test_steps_take_keys_from_their_environment() -> None:
    launcher = one("ConfigMap", "kfp-launcher", workspace_objects(WORKSPACE, installed()))["data"]
    assert launcher["defaultPipelineRoot"] == "s3://ws-vision--one/kubeflow-pipelines/artifacts"
    place = json.loads(launcher["providers"])["s3"]["default"]
    assert place["credentials"] == {"fromEnv": True}
    assert (place["endpoint"], place["disableSSL"]) == ("storage.mlp-storage.svc:7070", True)


def test_the_database_is_reached_from_inside_of_its_pod_alone() -> None:
    made = workspace_objects(WORKSPACE, installed())
    ports = {port["port"] for obj in made if obj["kind"] == "Service" for port in obj["spec"]["ports"]}
    assert ports == {8888, 8887, 8080}
    spec = one("StatefulSet", NAME, made)["spec"]["template"]["spec"]
    database = next(each for each in spec["initContainers"] if each["name"] == "database")
    assert "--bind-address=127.0.0.1" in database["command"]
    assert database["restartPolicy"] == "Always"


def test_what_a_pod_asks_for_fits_what_workspaces_allow() -> None:
    spec = one("StatefulSet", NAME, workspace_objects(WORKSPACE, installed()))["spec"]["template"]["spec"]
    running = [*spec["containers"], *(each for each in spec["initContainers"] if "restartPolicy" in each)]
    limits = [each["resources"]["limits"] for each in running]
    assert sum(parse_quantity(each["memory"]) for each in limits) <= 1280 * 2**20
    assert sum(parse_quantity(each["ephemeral-storage"]) for each in limits) <= 4 * 2**30
    for each in running:
        asked, most = each["resources"]["requests"], each["resources"]["limits"]
        assert parse_quantity(most["memory"]) <= 8 * parse_quantity(asked["memory"]), each["name"]
        assert each["securityContext"]["readOnlyRootFilesystem"], each["name"]


def test_the_gateway_reaches_its_rest_interface_alone() -> None:
    policy = one("NetworkPolicy", f"allow-{NAME}", workspace_objects(WORKSPACE, installed()))["spec"]
    assert [rule["ports"] for rule in policy["ingress"]] == [[{"port": 8888, "protocol": "TCP"}]]
    closed = one("NetworkPolicy", f"allow-{NAME}", workspace_objects(WORKSPACE, installed(gateway=None)))["spec"]
    assert closed["policyTypes"] == ["Egress"]


def test_a_suspended_workspace_runs_none() -> None:
    made = workspace_objects(replace(WORKSPACE, suspended=True), installed())
    assert one("StatefulSet", NAME, made)["spec"]["replicas"] == 0


def test_an_instance_may_no_more_than_members() -> None:
    rules = [rule for rule in INSTANCE_RULES if "secrets" in rule["resources"] or "*" in rule["resources"]]
    assert rules == []
    assert not any(
        verb in {"*", "bind", "escalate", "impersonate"} for rule in INSTANCE_RULES for verb in rule["verbs"]
    )
    assert not any("create" in rule["verbs"] for rule in VIEWER_RULES)
    assert any(rule["resources"] == ["runs"] and "create" in rule["verbs"] for rule in MEMBER_RULES)


def test_it_is_off_and_says_what_it_needs_where_it_is_switched_on() -> None:
    assert not kubeflow_pipelines.COMPONENT.by_default
    found = problems(KubeflowPipelinesSettings(), REGISTRY)
    assert len(found) == len(GivenImages.model_fields)
    assert f"components.{NAME}.settings.images.driver is missing" in " ".join(found)
    elsewhere = GIVEN.model_copy(update={"launcher": "elsewhere.example.com/launcher:1"})
    (only,) = problems(KubeflowPipelinesSettings(images=elsewhere), REGISTRY)
    assert "workspaces run images below registry.test/ only" in only
    assert problems(KubeflowPipelinesSettings(images=GIVEN), REGISTRY) == ()


def test_the_image_of_steps_has_the_release_of_the_server() -> None:
    lock = Path("components/kubeflow_pipelines/requirements.lock").read_text("utf-8")
    assert re.findall(r"^([a-z-]+)==(\S+)", lock, re.MULTILINE) == [("kfp", VERSION)]
