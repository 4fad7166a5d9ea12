"""The real hub with a real API server and PostgreSQL: who may start what, and what it makes in a workspace."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from components import notebooks
from components.contract import KubernetesObject
from components.facts import Endpoint
from components.names import Role, tenant_group
from components.notebooks.naming import home, label, server_name
from components.notebooks.objects import hub_settings
from components.notebooks.settings import NotebooksSettings
from controlplane.reconcile.model import WorkspaceSpec
from controlplane.reconcile.objects.network import GATEWAY_PORTS
from controlplane.reconcile.service import Reconciler
from tests.contract.reconcile.world import FACTS, REGISTRY, RememberedStorage, World, some_slug, some_spec, until
from tests.servers.installs import install
from tests.servers.kubernetes import KubernetesServer
from tests.servers.notebooks import HubServer
from tests.servers.postgres import Postgres
from tests.servers.tracking import InterpreterMissing, interpreter

pytestmark = [pytest.mark.contract, pytest.mark.timeout(300), pytest.mark.xdist_group("notebooks")]

_INSTALLED = {"Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding"}
_FACTS = FACTS.model_copy(
    update={
        "notebooks": Endpoint(url="http://hub", namespace="mlp-notebooks", pod_labels={"a": "b"}, port=8081),
        "gpu_classes": (),
    }
)


@dataclass
class Scene:
    """A hub and two tenants with a workspace each."""

    hub: HubServer
    world: World
    reconciler: Reconciler
    postgres: Postgres
    own: WorkspaceSpec
    other: WorkspaceSpec

    def start(self, spec: WorkspaceSpec, account: str, *groups: str, options: Any = None) -> tuple[int, Any]:
        path = f"/notebooks/hub/api/users/{account}/servers/{server_name(spec.tenant, spec.name)}"
        return self.hub.ask("POST", path, account, groups, options)

    def group(self, role: Role = Role.MEMBER) -> str:
        return tenant_group(self.own.tenant, role)

    def get(self, kind: str, name: str) -> KubernetesObject:
        admin = self.world.admin
        return admin.get(admin.resource("v1", kind), self.own.namespace, name)


@pytest.fixture(scope="module")
def scene(kubernetes_server: KubernetesServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    try:
        interpreter("notebooks")
    except InterpreterMissing as missing:
        pytest.skip(str(missing))
    world = World(kubernetes_server, tmp_path_factory.mktemp("world"))
    for obj in notebooks.COMPONENT.objects(NotebooksSettings(), install()):
        if obj["kind"] in _INSTALLED:
            world.admin.apply(obj)
    reconciler = Reconciler(world.control_plane, RememberedStorage(), _FACTS, components=[notebooks.COMPONENT])
    tenant = some_slug("n")
    own, other = some_spec(tenant, "research"), some_spec(f"{tenant}b", "research")
    for spec in (own, other):
        assert reconciler.apply(spec).ready
        world.settle(spec)
    settings = hub_settings(NotebooksSettings(), install())
    settings = settings.model_copy(update={"images": {"notebook": f"{REGISTRY}notebook:1"}})
    world.account("hub", "mlp-notebooks", "notebooks")
    folder = tmp_path_factory.mktemp("hub")
    kubeconfig = next(Path(world._folder).glob("mlp-notebooks-*.kubeconfig"))
    postgres = Postgres().start()
    hub = HubServer(folder, settings, kubeconfig, postgres)
    try:
        yield Scene(hub.start(), world, reconciler, postgres, own, other)
    finally:
        hub.close()
        postgres.close()
        reconciler.close()
        world.close()


def _somebody() -> str:
    return f"person-{secrets.token_hex(4)}"


def test_a_member_gets_a_pod_a_volume_and_a_service_that_the_policies_admit(scene: Scene) -> None:
    account, server = _somebody(), server_name(scene.own.tenant, scene.own.name)
    options = {"size": "medium", "repository": "https://git.example.com/team/repo"}
    status, answer = scene.start(scene.own, account, scene.group(), options=options)
    assert status == 202, f"{answer}\n{scene.hub.log()}"
    name = label(account, server)
    pod = scene.get("Pod", name)
    labels = pod["metadata"]["labels"]
    assert (labels["mlp.io/tenant"], labels["mlp.io/workspace"]) == (scene.own.tenant, scene.own.name)
    assert (labels["mlp.io/component"], labels["mlp.io/owner"]) == ("notebooks", account)
    assert labels["hub.jupyter.org/username"]
    spec, container = pod["spec"], pod["spec"]["containers"][0]
    assert (spec["serviceAccountName"], spec["automountServiceAccountToken"]) == ("workload", False)
    assert spec["priorityClassName"] == "mlp-interactive"
    assert container["image"] == f"{REGISTRY}notebook:1"
    assert container["ports"][0]["containerPort"] in GATEWAY_PORTS, "the gateway's way in"
    assert container["resources"]["limits"]["cpu"] == "1"
    environment = {each["name"]: each.get("value") for each in container["env"]}
    origin = f"https://{name}.nb.localhost:8443/notebooks/user/{account}/{server}/"
    assert environment["JUPYTERHUB_PUBLIC_URL"] == origin
    assert environment["JUPYTERHUB_OAUTH_CALLBACK_URL"] == f"{origin}oauth_callback"
    assert environment["JUPYTERHUB_HOST"] == "https://localhost:8443"
    assert environment["JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED"] == "1"
    assert environment["MLP_REPOSITORY"] == "https://git.example.com/team/repo"
    claim = scene.get("PersistentVolumeClaim", home(account, server))
    assert claim["spec"]["storageClassName"] == "mlp-local"
    service = scene.get("Service", name)
    assert service["spec"]["selector"].items() <= labels.items()
    assert service["metadata"]["ownerReferences"][0]["uid"] == pod["metadata"]["uid"], "it goes with the pod"


@pytest.mark.parametrize("role", [Role.VIEWER, None])
def test_who_may_not_run_pods_starts_nothing(scene: Scene, role: Role | None) -> None:
    groups = [scene.group(role)] if role else ["platform:admin"]
    status, answer = scene.start(scene.own, _somebody(), *groups)
    assert (status, answer["message"].partition(" workspace ")[0]) == (403, "You may not run anything in")


def test_another_tenants_workspace_and_one_that_is_not_there_look_alike(scene: Scene) -> None:
    account = _somebody()
    there = scene.start(scene.other, account, scene.group(Role.ADMIN))
    absent = scene.start(replace(scene.other, name="nothing"), account, scene.group(Role.ADMIN))
    assert there[0] == absent[0] == 403
    assert there[1]["message"].replace(scene.other.name, "x") == absent[1]["message"].replace("nothing", "x")


@pytest.mark.parametrize("path", ["server", "servers/", "servers/lab", "servers/..%2f", "servers/ws-acme--dev--x"])
def test_only_workspaces_name_servers(scene: Scene, path: str) -> None:
    account = _somebody()
    status, _ = scene.hub.ask("POST", f"/notebooks/hub/api/users/{account}/{path}", account, (scene.group(),))
    assert status in (400, 404, 405)


def test_nobody_starts_for_somebody_else(scene: Scene) -> None:
    server = server_name(scene.own.tenant, scene.own.name)
    victim = _somebody()
    scene.hub.ask("GET", "/notebooks/hub/api/user", victim, (scene.group(),))
    for path in (f"servers/{server}", "tokens", "activity"):
        body = {"servers": {}} if path == "activity" else {}
        full = f"/notebooks/hub/api/users/{victim}/{path}"
        assert scene.hub.ask("POST", full, _somebody(), (scene.group(Role.ADMIN),), body)[0] in (403, 404)


def test_the_hub_believes_the_gateway_only(scene: Scene) -> None:
    named = {"X_Remote_User": "user:alice", "X_Remote_Groups": scene.group()}
    for secret in ({}, {"X_Mlp_Gateway_Secret": "guess"}):
        assert scene.hub.ask("GET", "/notebooks/hub/api/user", **named, **secret)[0] == 403
    assert scene.hub.ask("POST", "/notebooks/hub/login", **named)[0] == 403


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        ({"size": "huge"}, 400, "There is no size 'huge'"),
        ({"command": "sh"}, 400, "There is no option 'command'"),
        ({"repository": "file:///etc"}, 400, "must be an https:// address"),
    ],
)
def test_choices_are_checked_in_calls_too(scene: Scene, options: dict[str, Any], status: int, said: str) -> None:
    found, answer = scene.start(scene.own, _somebody(), scene.group(), options=options)
    assert (found, said in answer["message"]) == (status, True), answer


def test_what_the_quota_has_no_room_for_is_refused_with_what_fits(scene: Scene) -> None:
    small = scene.own.quota.model_copy(update={"cpu": 1000})
    spec = some_spec(scene.own.tenant, "small", quota=small)
    assert scene.reconciler.apply(spec).ready
    scene.world.settle(spec)
    status, answer = scene.start(spec, _somebody(), scene.group(), options={"size": "large"})
    assert status == 409, answer
    assert "these sizes fit: small, medium" in answer["message"]


def test_a_suspended_workspace_is_closed(scene: Scene) -> None:
    spec = some_spec(scene.own.tenant, "closed")
    assert scene.reconciler.apply(spec).ready
    scene.world.settle(spec)
    closed = replace(spec, suspended=True, generation=2)
    scene.reconciler.apply(closed)
    scene.world.settle(closed)
    assert scene.start(spec, _somebody(), scene.group(Role.ADMIN))[0] == 403


def test_the_hub_itself_does_nothing_outside_of_workspaces(scene: Scene) -> None:
    hub = scene.world.account("hub", "mlp-notebooks", "notebooks")
    own = scene.own.namespace
    assert hub.attempt("GET", f"/api/v1/namespaces/{own}/pods").code == 200
    for method, path in (
        ("GET", "/api/v1/pods"),
        ("GET", "/api/v1/namespaces/mlp-notebooks/secrets"),
        ("GET", "/api/v1/namespaces/mlp-system/pods"),
        ("GET", f"/api/v1/namespaces/{own}/secrets"),
        ("GET", f"/api/v1/namespaces/{own}/configmaps"),
        ("DELETE", f"/api/v1/namespaces/{own}/persistentvolumeclaims/any"),
        ("POST", f"/api/v1/namespaces/{own}/serviceaccounts/workload/token"),
    ):
        assert hub.attempt(method, path, {} if method == "POST" else None).code == 403, path


def test_a_token_made_by_the_gateways_word_dies_with_the_account(scene: Scene) -> None:
    account = _somebody()
    scene.hub.people.groups[account] = (scene.group(),)
    path = f"/notebooks/hub/api/users/{account}/tokens"
    status, made = scene.hub.ask("POST", path, account, (scene.group(),), {"expires_in": 60})
    assert status == 201, made
    token = {"Authorization": f"token {made['token']}"}
    assert scene.hub.ask("GET", "/notebooks/hub/api/user", **token)[0] == 200
    scene.hub.people.groups[account] = None
    until("it is refused", lambda: scene.hub.ask("GET", "/notebooks/hub/api/user", **token)[0] == 403, 30)


def test_the_hub_starts_anew_with_what_it_knew_and_without_its_database_for_a_while(scene: Scene) -> None:
    account = _somebody()
    groups = (scene.group(),)
    scene.hub.people.groups[account] = groups
    path = f"/notebooks/hub/api/users/{account}/servers/{server_name(scene.own.tenant, scene.own.name)}"
    assert scene.hub.ask("POST", path, account, groups, {"user_options": {"size": "huge"}})[0] == 400
    scene.hub.stop()
    scene.hub.start()
    assert scene.hub.ask("GET", path, account, groups)[0] == 200, "the entry is still there"
    scene.postgres.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'notebooks'")
    assert scene.hub.ask("GET", path, account, groups)[0] == 200, "it connects again by itself"
    idle = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'notebooks' AND state = 'idle in transaction'"
    with psycopg.connect(scene.postgres.url("postgres", driver=False)) as connection:
        connection.autocommit = True
        until("no transaction is left open", lambda: connection.execute(idle).fetchone() == (0,))
