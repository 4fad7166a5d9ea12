"""Pipelines: what the controller may do where, and what a workspace gets."""

from __future__ import annotations

import json

from components.contract import Workspace
from components.facts import Endpoint
from components.pipelines.executor import executor_token
from components.pipelines.images import images
from components.pipelines.objects import configuration
from components.pipelines.rbac import WATCH_RULES, WORKSPACE_RULES
from components.pipelines.settings import PipelinesSettings
from components.pipelines.workspace import workspace_objects
from tests.servers.facts import facts
from tests.servers.installs import install

WORKSPACE = Workspace("vision", "one", "ws-vision--one")


def test_a_workspace_binds_the_controller_and_keeps_artifacts_in_its_own_bucket() -> None:
    storage = Endpoint(url="http://storage.mlp-storage.svc:7070", namespace="mlp-storage", port=7070)
    given = facts().model_copy(update={"storage": storage})
    binding, _, config = workspace_objects(WORKSPACE, given)
    assert binding["roleRef"]["name"] == "mlp-pipelines-controller"
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "pipelines", "namespace": "mlp-pipelines"}]
    place = json.loads(config["data"]["default"])["s3"]
    assert (place["endpoint"], place["insecure"]) == ("storage.mlp-storage.svc:7070", True)
    assert place["bucket"] == "ws-vision--one"
    assert place["accessKeySecret"] == {"name": "storage", "key": "AWS_ACCESS_KEY_ID"}


def test_pods_of_workflows_alone_reach_the_api_server() -> None:
    policy = next(obj for obj in workspace_objects(WORKSPACE, facts()) if obj["kind"] == "NetworkPolicy")
    assert policy["spec"]["podSelector"]["matchExpressions"] == [
        {"key": "workflows.argoproj.io/workflow", "operator": "Exists"}
    ]
    assert policy["spec"]["egress"] == [
        {"to": [{"ipBlock": {"cidr": "10.250.0.2/32"}}], "ports": [{"port": 6443, "protocol": "TCP"}]}
    ]


def test_a_suspended_workspace_gives_the_controller_nothing() -> None:
    kinds = [obj["kind"] for obj in workspace_objects(Workspace("v", "one", "ws-v--one", suspended=True), facts())]
    assert "RoleBinding" not in kinds


def test_over_the_whole_cluster_the_controller_only_watches() -> None:
    assert {verb for rule in WATCH_RULES for verb in rule["verbs"]} == {"get", "list", "watch"}
    both = (*WATCH_RULES, *WORKSPACE_RULES)
    assert not any("secrets" in rule["resources"] or "*" in rule["resources"] for rule in both)


def test_configuration_is_what_argo_reads() -> None:
    made = {name: json.loads(text) for name, text in configuration(PipelinesSettings(), install()).items()}
    assert made["workflowDefaults"]["spec"]["serviceAccountName"] == "workload"
    assert made["namespaceParallelism"] == 20
    assert made["executor"]["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_only_the_executor_gets_a_token() -> None:
    policy, _ = executor_token("registry.test/argoexec:3.7.0-abc").objects()
    text = json.dumps(policy["spec"]["mutations"])
    assert "registry.test/argoexec:3.7.0-abc" in text
    assert "workflows.argoproj.io/workflow" in text


def test_the_controller_finds_the_zones_of_schedules() -> None:
    """Go looks for them in the file system, and a binary on nothing has none but UTC."""
    bases = {image.name: image.base for image in images(PipelinesSettings())}
    assert bases == {"workflow-controller": "debian", "argoexec": "scratch"}
