"""Training's objects: whom its webhooks ask about, what its controllers may do, which runtimes there are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components.contract import KubernetesObject, Workspace
from components.training import COMPONENT
from components.training.images import images
from components.training.names import CONTROLLERS, NAMESPACE, OPERATOR
from components.training.rbac import JOBSET_RULES, MEMBER_RULES, TRAINER_RULES, VIEWER_RULES, operator_rules
from components.training.runtimes import runtimes
from components.training.settings import TrainingSettings
from components.training.workspace import workspace_objects
from infra.verify.tour.training import script, tfjob, trainjob
from tests.servers.installs import facts, install


def _objects(**settings: Any) -> list[KubernetesObject]:
    return list(COMPONENT.objects(TrainingSettings(**settings), install()))


def _named(objects: list[KubernetesObject], kind: str, name: str) -> KubernetesObject:
    return next(o for o in objects if (o["kind"], o["metadata"]["name"]) == (kind, name))


def _arguments(objects: list[KubernetesObject], name: str) -> list[str]:
    spec = _named(objects, "Deployment", name)["spec"]["template"]["spec"]
    return list(spec["containers"][0]["args"])


@pytest.mark.parametrize("rules", [operator_rules(mpi_jobs=True), TRAINER_RULES, JOBSET_RULES, MEMBER_RULES])
def test_rights_name_every_verb_and_resource(rules: list[dict[str, Any]]) -> None:
    for rule in rules:
        assert not {"*", "escalate", "bind", "impersonate"} & {*rule["apiGroups"], *rule["resources"], *rule["verbs"]}
        assert "webhookconfigurations" not in str(rule) or set(rule["verbs"]) == {"get", "list", "watch"}


def test_only_trainer_sees_secrets_and_nobody_deletes_them() -> None:
    for rules, expected in ((operator_rules(mpi_jobs=True), False), (JOBSET_RULES, False), (TRAINER_RULES, True)):
        verbs = {verb for rule in rules if "secrets" in rule["resources"] for verb in rule["verbs"]}
        assert bool(verbs) is expected
        assert "delete" not in verbs


def test_rights_of_launchers_go_with_the_kind() -> None:
    def resources(*, mpi_jobs: bool) -> set[str]:
        return {name for rule in operator_rules(mpi_jobs=mpi_jobs) for name in rule["resources"]}

    assert {"pods/exec", "roles", "serviceaccounts"} <= resources(mpi_jobs=True)
    assert not {"pods/exec", "roles", "serviceaccounts", "configmaps", "mpijobs"} & resources(mpi_jobs=False)
    without = _objects(mpi_jobs=False)
    kinds = {o["spec"]["names"]["kind"] for o in without if o["kind"] == "CustomResourceDefinition"}
    assert "MPIJob" not in kinds
    assert not [argument for argument in _arguments(without, OPERATOR) if "mpi" in argument]
    assert "kubectl-delivery" not in {image.name for image in images(TrainingSettings(mpi_jobs=False))}
    assert "--enable-scheme=mpijob" in _arguments(_objects(), OPERATOR)


def test_the_boundary_names_every_controller() -> None:
    policy = _named(_objects(), "ValidatingAdmissionPolicy", "mlp-training-controllers")
    (condition,) = policy["spec"]["matchConditions"]
    for name in CONTROLLERS:
        assert f'"system:serviceaccount:{NAMESPACE}:{name}"' in condition["expression"]
    (rule,) = policy["spec"]["matchConstraints"]["resourceRules"]
    assert rule["resources"] == ["*/*"]
    assert set(rule["operations"]) == {"CREATE", "UPDATE", "DELETE", "CONNECT"}


def test_viewers_only_look() -> None:
    assert {verb for rule in VIEWER_RULES for verb in rule["verbs"]} == {"get", "list", "watch"}
    seen = {name for rule in VIEWER_RULES for name in rule["resources"]}
    assert seen == {name for rule in MEMBER_RULES for name in rule["resources"]}
    assert "clustertrainingruntimes" not in seen


def test_programs_start_where_they_may_write() -> None:
    """Kubeflow's SDK writes its program into the working folder, and images start in one of root's."""
    made = runtimes(TrainingSettings(torch_image="torch:1", jax_image="jax:1"), "training:1")
    for runtime in made:
        for job in runtime["spec"]["template"]["spec"]["replicatedJobs"]:
            (node,) = job["template"]["spec"]["template"]["spec"]["containers"]
            assert node["workingDir"] == "/tmp", runtime["metadata"]["name"]
    assert len(made) == 3


def test_a_runtime_without_an_image_is_left_out() -> None:
    def names(**settings: str) -> set[str]:
        return {o["metadata"]["name"] for o in runtimes(TrainingSettings(**settings), "r/training:1")}

    assert names() == {"mlp-cpu"}
    assert names(torch_image="r/torch:1", jax_image="r/jax:1", deepspeed_image="r/deepspeed:1") == {
        "mlp-cpu", "torch-distributed", "jax-distributed", "deepspeed-distributed",
    }  # fmt: skip


def test_runtimes_say_what_trainer_looks_for() -> None:
    given = TrainingSettings(torch_image="r/torch:1", jax_image="r/jax:1", deepspeed_image="r/deepspeed:1")
    for runtime in runtimes(given, "r/training:1"):
        assert runtime["metadata"]["labels"]["trainer.kubeflow.org/framework"]
        jobs = runtime["spec"]["template"]["spec"]["replicatedJobs"]
        steps = [job["template"].get("metadata", {}).get("labels", {}) for job in jobs]
        assert [step for step in steps if step] == [{"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"}]
        for job in jobs:
            (container,) = job["template"]["spec"]["template"]["spec"]["containers"]
            assert container["name"] == "node"


def test_the_training_image_begins_like_the_workspaces() -> None:
    (training,) = [image for image in images(TrainingSettings()) if image.name == "training"]
    tracking = next(image for image in install_images() if image.name == "workspace")
    assert training.layers[0] == tracking.layers[0]
    assert set(tracking.layers) < set(training.layers)


def install_images() -> tuple[Any, ...]:
    from components.tracking.images import images as tracking_images
    from components.tracking.settings import TrackingSettings

    return tracking_images(TrackingSettings())


def test_waiting_for_a_pytorch_master_is_a_template_of_the_operator() -> None:
    text = _named(_objects(), "ConfigMap", OPERATOR)["data"]["initContainer.yaml"]
    filled = (
        text.replace("{{.InitContainerImage}}", "r/i:1").replace("{{.MasterAddr}}", "m").replace("{{.MaxTries}}", "9")
    )
    (container,) = json.loads(filled)
    assert container["image"] == "r/i:1"
    assert container["command"][-2:] == ["m", "9"]
    compile(container["command"][2], "init", "exec")


@pytest.mark.parametrize(
    ("enabled", "suspended", "there"), [(True, False, True), (True, True, False), (False, False, False)]
)
def test_only_launchers_reach_the_api_server(enabled: bool, suspended: bool, there: bool) -> None:
    workspace = Workspace("acme", "research", "ws-acme--research", suspended=suspended)
    made = workspace_objects(workspace, facts(mpi_jobs=enabled))
    assert bool(made) is there
    for policy in made:
        assert policy["spec"]["podSelector"]["matchLabels"]["training.kubeflow.org/replica-type"] == "launcher"
        assert policy["spec"]["policyTypes"] == ["Egress"]
        assert "ingress" not in policy["spec"]


def test_examples_know_nothing_of_this_platform() -> None:
    for job in (tfjob("ws-acme--research", "r/i:1"), trainjob("ws-acme--research")):
        text = json.dumps(job)
        assert "mlp.io" not in text
        assert "serviceAccount" not in text
        assert "securityContext" not in text
    assert "MLFLOW" not in script()
    job = tfjob("n", "r/i:1", workers=3, env={"EPOCHS": "2"})
    worker = job["spec"]["tfReplicaSpecs"]["Worker"]
    assert worker["replicas"] == 3
    assert worker["template"]["spec"]["containers"][0]["env"] == [{"name": "EPOCHS", "value": "2"}]
    assert trainjob("n", image="r/i:2", nodes=2)["spec"]["trainer"]["image"] == "r/i:2"
