"""What is installed for notebooks, and what each workspace gets."""

from __future__ import annotations

import json
from typing import Any

from components.contract import Workspace
from components.names import SPAWNER_CLUSTER_ROLE
from components.notebooks import COMPONENT
from components.notebooks.hub.settings import HubSettings
from components.notebooks.images import hub_image, notebook_image
from components.notebooks.rbac import HUB_RULES, SPAWNER_RULES
from components.notebooks.settings import NotebooksSettings
from components.tracking.images import workspace_image
from components.tracking.settings import TrackingSettings
from tests.servers.installs import facts, install, managed_install

WORKSPACE = Workspace(tenant="acme", name="dev", namespace="ws-acme--dev")


def _objects() -> list[dict[str, Any]]:
    return list(COMPONENT.objects(NotebooksSettings(), install()))


def _one(kind: str, name: str) -> dict[str, Any]:
    return next(o for o in _objects() if (o["kind"], o["metadata"]["name"]) == (kind, name))


def test_the_hub_reads_its_file() -> None:
    settings = HubSettings.model_validate_json(_one("ConfigMap", "hub")["data"]["hub.json"])
    assert settings.domain == "nb.localhost:8443"
    assert settings.hub_url == "http://notebooks.mlp-notebooks.svc:8081"
    assert settings.database_url == "postgresql+psycopg2://notebooks@database.mlp-database.svc:5432/notebooks"
    assert settings.images == {"notebook": install().images["notebook"]}


def test_secrets_are_in_the_secret_only() -> None:
    made = _objects()
    secret = next(o for o in made if o["kind"] == "Secret")
    values = list(secret["stringData"].values())
    assert len(set(values)) == 4
    text = json.dumps([o for o in made if o is not secret])
    assert not [value for value in values if value in text]


def test_a_cloud_database_is_trusted_by_its_authority() -> None:
    on_cloud, chosen = managed_install("aws")
    settings = next(s for c, s in chosen if c.name == "notebooks")
    made = list(COMPONENT.objects(settings, on_cloud))
    pod = next(o for o in made if o["kind"] == "Deployment")["spec"]["template"]["spec"]
    assert {"name": "PGSSLMODE", "value": "verify-full"} in pod["containers"][0]["env"]
    assert "database-ca" in [volume["name"] for volume in pod["volumes"]]


def test_the_hub_has_no_rights_outside_of_workspaces_but_to_ask() -> None:
    bound = [o for o in _objects() if o["kind"] == "ClusterRoleBinding"]
    assert [o["roleRef"]["name"] for o in bound] == ["mlp-notebooks"]
    assert _one("ClusterRole", "mlp-notebooks")["rules"] == list(HUB_RULES)
    assert _one("ClusterRole", SPAWNER_CLUSTER_ROLE)["rules"] == list(SPAWNER_RULES)
    for rule in (*HUB_RULES, *SPAWNER_RULES):
        assert "*" not in (*rule["verbs"], *rule["resources"], *rule["apiGroups"])
    verbs = {resource: set(rule["verbs"]) for rule in SPAWNER_RULES for resource in rule["resources"]}
    assert "delete" not in verbs["persistentvolumeclaims"], "files outlive servers"
    assert not {"secrets", "configmaps", "serviceaccounts", "pods/exec"} & set(verbs)


def test_a_workspace_binds_the_hub_and_opens_two_ports() -> None:
    binding, policy = COMPONENT.workspace_objects(WORKSPACE, facts())
    assert binding["roleRef"]["name"] == SPAWNER_CLUSTER_ROLE
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "notebooks", "namespace": "mlp-notebooks"}]
    spec = policy["spec"]
    assert spec["podSelector"]["matchLabels"]["mlp.io/component"] == "notebooks"
    assert [rule["ports"] for rule in spec["ingress"]] == [[{"protocol": "TCP", "port": 8888}]]
    assert [rule["ports"] for rule in spec["egress"]] == [[{"protocol": "TCP", "port": 8081}]]
    assert COMPONENT.workspace_objects(WORKSPACE, facts(notebooks=None)) == ()


def test_servers_images_begin_as_the_workspaces_do() -> None:
    below = workspace_image(TrackingSettings()).layers
    assert notebook_image(TrackingSettings()).layers[: len(below)] == below
    assert hub_image().layers[0] not in below
