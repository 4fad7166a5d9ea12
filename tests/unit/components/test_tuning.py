"""Tuning: what Katib is told, what it may do, and what a workspace opens for it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from components.catalog import ordered
from components.contract import KubernetesObject, Workspace
from components.isolation.objects import COMPONENT_RULES
from components.names import CLUSTER_ROLE, Role
from components.training import COMPONENT as TRAINING
from components.tuning import COMPONENT
from components.tuning.objects import ALGORITHMS, configuration, objects
from components.tuning.rbac import WATCH_RULES
from components.tuning.settings import TuningSettings
from components.tuning.workspace import workspace_objects
from controlplane.reconcile.objects.namespace import namespace
from controlplane.reconcile.objects.quotas import MAX_RATIO
from tests.servers.installs import facts, install, managed_install
from tests.unit.reconcile.samples import SPEC

WORKSPACE = Workspace("vision", "one", "ws-vision--one")


def _of(kind: str, **changes: Any) -> dict[str, KubernetesObject]:
    made = objects(TuningSettings(), install(**changes))
    return {obj["metadata"]["name"]: obj for obj in made if obj["kind"] == kind}


def _may(group: str, resource: str) -> set[str]:
    rules = [rule for rule in WATCH_RULES if group in rule["apiGroups"] and resource in rule["resources"]]
    return {verb for rule in rules for verb in rule["verbs"]}


def test_every_algorithm_runs_our_image_within_a_workspaces_limits() -> None:
    runtime = configuration(install())["runtime"]
    assert [each["algorithmName"] for each in runtime["suggestions"]] == list(ALGORITHMS)
    for started in (*runtime["suggestions"], *runtime["metricsCollectors"]):
        assert started["image"].startswith("registry.mlp.internal/katib-")
        requests, limits = started["resources"]["requests"], started["resources"]["limits"]
        assert set(requests) == set(limits) == {"cpu", "memory", "ephemeral-storage"}
        assert int(limits["cpu"][:-1]) <= MAX_RATIO["cpu"] * int(requests["cpu"][:-1])
        assert int(limits["memory"][:-2]) <= MAX_RATIO["memory"] * int(requests["memory"][:-2])
    assert runtime["suggestions"][0]["securityContext"]["readOnlyRootFilesystem"] is True


def test_it_makes_no_certificates_and_copies_the_trials_security_context() -> None:
    init = configuration(install())["init"]
    assert init["certGenerator"] == {"enable": False}
    assert init["controller"]["injectSecurityContext"] is True


def test_every_kind_of_trial_can_be_made_and_followed() -> None:
    kinds = configuration(install())["init"]["controller"]["trialResources"]
    assert kinds[0] == "Job.v1.batch"
    assert "TrainJob.v1alpha1.trainer.kubeflow.org" in kinds
    for kind in kinds:
        name, _, group = kind.split(".", 2)
        assert {"get", "list", "watch", "create", "delete"} == _may(group, f"{name.lower()}s"), kind


def test_without_training_trials_are_plain_jobs_and_a_change_of_it_starts_katib_anew() -> None:
    alone = install(components=("database", "tuning"))
    assert configuration(alone)["init"]["controller"]["trialResources"] == ["Job.v1.batch"]
    notes = [
        deployment["tuning"]["spec"]["template"]["metadata"]["annotations"]["mlp.io/config-hash"]
        for deployment in (_of("Deployment"), _of("Deployment", components=("database", "tuning")))
    ]
    assert notes[0] != notes[1]


def test_it_is_installed_after_the_kinds_that_it_watches() -> None:
    alone = replace(COMPONENT, requires=())
    assert [each.name for each in ordered([alone, replace(TRAINING, requires=())])] == ["training", "tuning"]
    assert ordered([alone]) == (alone,), "it works without them"


def test_rights_hold_no_secrets_no_roles_and_no_wildcards() -> None:
    for rule in WATCH_RULES:
        assert not {"*", "secrets", "roles", "rolebindings", "serviceaccounts", "pods"} & set(rule["resources"])
        assert "*" not in rule["verbs"]
        assert "*" not in rule["apiGroups"]


def test_people_make_experiments_and_katib_alone_makes_the_rest() -> None:
    for role, expected in ((Role.VIEWER, False), (Role.MEMBER, True), (Role.ADMIN, True)):
        rules = [rule for rule in COMPONENT_RULES[CLUSTER_ROLE[role]] if "kubeflow.org" in rule["apiGroups"]]
        creators = [rule["resources"] for rule in rules if "create" in rule["verbs"]]
        assert any("experiments" in resources for resources in creators) is expected
        assert not any({"trials", "suggestions"} & set(resources) for resources in creators)


def test_webhooks_judge_experiments_or_refuse_them_and_never_hold_up_pods() -> None:
    hooks = {
        hook["name"]: hook
        for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
        for obj in _of(kind).values()
        for hook in obj["webhooks"]
    }
    assert set(hooks) == {
        "defaulter.experiment.katib.kubeflow.org",
        "mutator.pod.katib.kubeflow.org",
        "validator.experiment.katib.kubeflow.org",
    }
    for name, hook in hooks.items():
        pods = name.startswith("mutator.pod")
        assert hook["failurePolicy"] == ("Ignore" if pods else "Fail")
        assert hook["namespaceSelector"] == {"matchExpressions": [{"key": "mlp.io/tenant", "operator": "Exists"}]}
        assert hook["clientConfig"]["service"]["namespace"] == "mlp-tuning"
    (condition,) = hooks["mutator.pod.katib.kubeflow.org"]["matchConditions"]
    assert '"Job"' in condition["expression"]
    assert "Workflow" not in condition["expression"]


def test_templates_of_trials_come_from_the_experiments_own_namespace() -> None:
    policy = _of("ValidatingAdmissionPolicy")["mlp-experiments"]["spec"]
    assert policy["failurePolicy"] == "Fail"
    assert any("configMapNamespace == request.namespace" in each["expression"] for each in policy["validations"])


def test_a_workspace_opens_suggestions_to_katib_and_observations_to_trials() -> None:
    suggestions, observations = workspace_objects(WORKSPACE, facts())
    assert suggestions["spec"]["podSelector"]["matchExpressions"][0]["key"] == "katib.kubeflow.org/deployment"
    assert observations["spec"]["podSelector"]["matchExpressions"][0]["key"] == "katib.kubeflow.org/trial"
    (egress,) = observations["spec"]["egress"]
    assert egress["to"][0]["podSelector"] == {
        "matchLabels": {"app.kubernetes.io/name": "katib-db-manager", "mlp.io/component": "tuning"}
    }
    assert egress["ports"] == [{"port": 6789, "protocol": "TCP"}]


def test_namespaces_say_that_katib_may_take_experiments() -> None:
    label = "katib.kubeflow.org/metrics-collector-injection"
    assert namespace(SPEC, facts())["metadata"]["labels"][label] == "enabled"
    assert label not in namespace(SPEC, facts(components=("gateway",)))["metadata"]["labels"]


def test_observations_go_to_the_platforms_database_encrypted_where_it_is_a_clouds() -> None:
    inside = _of("ConfigMap")["database"]["data"]
    assert inside["KATIB_POSTGRESQL_DB_HOST"].endswith(".mlp-database.svc")
    given, _ = managed_install("aws")
    outside = {obj["metadata"]["name"]: obj for obj in objects(TuningSettings(), given) if obj["kind"] == "ConfigMap"}
    assert outside["database"]["data"]["KATIB_POSTGRESQL_SSL_MODE"] == "verify-full"
    assert "value-of-" not in json.dumps(inside)


def test_a_broken_katib_does_not_break_the_platform() -> None:
    assert COMPONENT.optional
