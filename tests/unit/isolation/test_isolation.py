"""The isolation component as data."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest

from components.contract import Install, KubernetesObject
from components.isolation import COMPONENT, IsolationSettings
from components.isolation.objects import policies
from components.isolation.priorities import CLASSES
from components.isolation.rbac import COMPONENT_CLUSTER_ROLES, CONTROL_PLANE_RULES, WORKLOAD_CLUSTER_ROLE
from components.names import CLUSTER_ROLE, PEOPLE_CLUSTER_ROLE
from tests.unit.reconcile.samples import FACTS

INSTALL = Install(facts=FACTS, images={}, secrets={})
OBJECTS = COMPONENT.objects(IsolationSettings(), INSTALL)


def of(kind: str) -> dict[str, KubernetesObject]:
    return {obj["metadata"]["name"]: obj for obj in OBJECTS if obj["kind"] == kind}


def test_objects_are_cluster_wide_and_distinct() -> None:
    assert not [obj for obj in OBJECTS if "namespace" in obj["metadata"]]
    keys = [(obj["kind"], obj["metadata"]["name"]) for obj in OBJECTS]
    assert len(keys) == len(set(keys))


def test_inputs_stay_as_they_were() -> None:
    settings, install = IsolationSettings(registries=("more.example.com/",)), copy.deepcopy(INSTALL)
    assert COMPONENT.objects(settings, install) == COMPONENT.objects(settings, install)
    assert install == INSTALL


@pytest.mark.parametrize("name", of("ValidatingAdmissionPolicy"))
def test_policies_fail_closed_and_deny(name: str) -> None:
    policy = of("ValidatingAdmissionPolicy")[name]["spec"]
    binding = of("ValidatingAdmissionPolicyBinding")[name]["spec"]
    assert policy["failurePolicy"] == "Fail"
    assert policy["matchConstraints"]["matchPolicy"] == "Equivalent"
    assert binding["policyName"] == name
    assert binding["validationActions"] == ["Deny", "Audit"]
    assert "paramKind" not in policy, "no object that a tenant could write steers a policy"
    selector = binding["matchResources"]["namespaceSelector"]
    whole_cluster = {"mlp-namespaces", "mlp-control-plane", "mlp-people", "mlp-web"}
    tenants = {"matchExpressions": [{"key": "mlp.io/tenant", "operator": "Exists"}]}
    assert selector == ({} if name in whole_cluster else tenants)


def test_messages_say_what_and_which_rule() -> None:
    for name, policy in of("ValidatingAdmissionPolicy").items():
        for validation in policy["spec"]["validations"]:
            assert re.search(r"^[a-zA-Z].* \(rule: [a-z-]+\)$", validation["message"]), name


@pytest.mark.parametrize("role", [*CLUSTER_ROLE.values(), WORKLOAD_CLUSTER_ROLE])
def test_tenants_roles_hold_nothing_dangerous(role: str) -> None:
    made = of("ClusterRole")[role]
    assert "aggregationRule" not in made
    assert not [label for label in made["metadata"]["labels"] if "aggregate-to" in label]
    for rule in made["rules"]:
        assert "*" not in str(rule)
        assert not {"escalate", "bind", "impersonate"} & set(rule["verbs"])
        dangerous = {"serviceaccounts/token", "nodes/proxy", "pods/ephemeralcontainers", "podtemplates", "endpoints"}
        writes = set(rule["verbs"]) - {"get", "list", "watch"}
        assert not (dangerous & set(rule["resources"]) and writes), rule
        platform = {"resourcequotas", "limitranges", "namespaces", "daemonsets", "ingresses", "endpointslices"}
        assert not (platform & set(rule["resources"]) and writes), rule


def allowed(role: str) -> set[tuple[str, str, str]]:
    rules = of("ClusterRole")[role]["rules"]
    return {(g, r, v) for rule in rules for g in rule["apiGroups"] for r in rule["resources"] for v in rule["verbs"]}


def test_roles_grow() -> None:
    view, edit, admin = (allowed(CLUSTER_ROLE[role]) for role in ("viewer", "member", "admin"))
    assert view < edit < admin
    assert ("", "secrets", "get") not in view
    assert ("", "pods/exec", "create") in edit
    assert ("rbac.authorization.k8s.io", "rolebindings", "create") in admin - edit


def test_mlflows_questions_have_answers() -> None:
    experiments = ("mlflow.kubeflow.org", "experiments")
    assert (*experiments, "get") in allowed("mlp-tenant-view")
    assert (*experiments, "create") not in allowed("mlp-tenant-view")
    assert (*experiments, "delete") in allowed("mlp-tenant-edit")
    assert (*experiments, "create") in allowed("mlp-workload")


def test_the_control_planes_rules() -> None:
    def rules(resource: str) -> list[dict[str, Any]]:
        return [rule for rule in CONTROL_PLANE_RULES if resource in rule["resources"]]

    assert "*" not in str(CONTROL_PLANE_RULES)
    assert not [r for r in CONTROL_PLANE_RULES if "impersonate" in r["verbs"]]
    assert [r["resourceNames"] for r in CONTROL_PLANE_RULES if "escalate" in r["verbs"]] == [[PEOPLE_CLUSTER_ROLE]]
    assert [r["resourceNames"] for r in rules("secrets")] == [["storage"]]
    (bind,) = (rule for rule in CONTROL_PLANE_RULES if "bind" in rule["verbs"])
    assert set(bind["resourceNames"]) == {*CLUSTER_ROLE.values(), WORKLOAD_CLUSTER_ROLE, *COMPONENT_CLUSTER_ROLES}
    assert not rules("roles")


def test_a_registry_without_a_slash_is_refused() -> None:
    with pytest.raises(ValueError, match="must end in '/'"):
        policies(IsolationSettings(registries=("registry.example.com",)), FACTS)


def test_settings_reach_the_expressions() -> None:
    settings = IsolationSettings(
        registries=('qu"ote.io/',), priority_classes=("house",), storage_classes=("fast",), tolerations=("gpu",)
    )
    text = str([policy.objects() for policy in policies(settings, FACTS)])
    for value in ('qu\\\\"ote.io/', '"house"', '"fast"', '"gpu"', '"nvidia.com/gpu"', '"mlp-local"'):
        assert value in text, value


def test_priorities() -> None:
    classes = of("PriorityClass")
    assert set(classes) == set(CLASSES)
    assert [c["globalDefault"] for c in classes.values()] == [False] * 3
    assert {name for name, c in classes.items() if c["preemptionPolicy"] != "Never"} == {"mlp-serving"}


def test_flow_schemas_point_at_their_levels() -> None:
    levels, schemas = of("PriorityLevelConfiguration"), of("FlowSchema")
    assert {s["spec"]["priorityLevelConfiguration"]["name"] for s in schemas.values()} == set(levels)
    assert schemas["mlp-workspaces"]["spec"]["distinguisherMethod"] == {"type": "ByNamespace"}
    assert (
        schemas["mlp-platform"]["spec"]["matchingPrecedence"] < schemas["mlp-workspaces"]["spec"]["matchingPrecedence"]
    )


def test_the_readme_names_every_policy_and_role() -> None:
    text = (Path(__file__).parents[3] / "components/isolation/README.md").read_text()
    for name in (*of("ValidatingAdmissionPolicy"), *of("ClusterRole")):
        assert f"`{name}`" in text, name
