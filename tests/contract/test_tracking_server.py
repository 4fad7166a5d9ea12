"""The real tracking server with a real API server, PostgreSQL and S3: who may what, and what stays apart."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from components.images import SourceTree, TextFile
from components.names import Role, tenant_group
from components.tracking import rbac
from components.tracking.images import workspace_image
from components.tracking.settings import TrackingSettings
from tests.servers.gateway import gateway, hop_secret
from tests.servers.gateway import program as nginx
from tests.servers.kubernetes import KubernetesRequestFailed, KubernetesServer
from tests.servers.postgres import Postgres
from tests.servers.storage import StorageServer
from tests.servers.tracking import ROOT, InterpreterMissing, TrackingServer, interpreter

pytestmark = [pytest.mark.contract, pytest.mark.timeout(300), pytest.mark.xdist_group("tracking")]

ACME, EVIL = "ws-acme--dev", "ws-evil--dev"
_RULES = {Role.MEMBER: rbac.MEMBER_RULES, Role.VIEWER: rbac.VIEWER_RULES}


def _member(tenant: str) -> dict[str, Any]:
    workspace = ACME if tenant == "acme" else EVIL
    return {"user": f"user:{tenant}", "groups": (tenant_group(tenant, Role.MEMBER),), "workspace": workspace}


A, B = _member("acme"), _member("evil")


@pytest.fixture(scope="module")
def server(kubernetes_server: KubernetesServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackingServer]:
    try:
        interpreter()
    except InterpreterMissing as missing:
        pytest.skip(str(missing))
    for tenant, namespace in (("acme", ACME), ("evil", EVIL)):
        _workspace(kubernetes_server, tenant, namespace)
    postgres = Postgres().start()
    storage = StorageServer(tmp_path_factory.mktemp("s3")).start()
    folder = tmp_path_factory.mktemp("tracking")
    running = TrackingServer(folder, kubernetes_server, postgres, storage, hop_secret("tracking"))
    try:
        assert "this version's tables" in running.migrate()
        yield running.start()
    finally:
        running.stop()
        storage.stop()
        postgres.close()


def _workspace(cluster: KubernetesServer, tenant: str, namespace: str) -> None:
    """A namespace with its bindings. Another worker of the run may have made them: the API server is shared."""

    def create(path: str, body: dict[str, Any]) -> None:
        try:
            cluster.request("POST", path, body)
        except KubernetesRequestFailed as error:
            if error.status != 409:
                raise

    create("/api/v1/namespaces", {"metadata": {"name": namespace, "labels": {"mlp.io/tenant": tenant}}})
    base = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
    for role, rules in _RULES.items():
        create(f"{base}/roles", {"metadata": {"name": role.value}, "rules": list(rules)})
        group = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": tenant_group(tenant, role)}
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role.value}
        binding = {"metadata": {"name": role.value}, "roleRef": reference, "subjects": [group]}
        create(f"{base}/rolebindings", binding)


@pytest.fixture(scope="module")
def run(server: TrackingServer) -> dict[str, str]:
    """A run of tenant acme with an artifact."""
    status, made = server.ask("POST", "/api/2.0/mlflow/experiments/create", {"name": "sales"}, **A)
    assert status == 200, made
    body = {"experiment_id": made["experiment_id"], "start_time": 1}
    status, answer = server.ask("POST", "/api/2.0/mlflow/runs/create", body, **A)
    assert status == 200, answer
    info = answer["run"]["info"]
    path = info["artifact_uri"].removeprefix("mlflow-artifacts:/")
    status, answer = server.ask("PUT", f"/api/2.0/mlflow-artifacts/artifacts/{path}/secret.txt", b"acme's", **A)
    assert status == 200, answer
    return {"id": info["run_id"], "experiment": made["experiment_id"], "artifacts": path}


def test_run_belongs_to_the_caller_and_its_artifacts_to_the_workspace(
    server: TrackingServer, run: dict[str, str]
) -> None:
    _, answer = server.ask("GET", f"/api/2.0/mlflow/runs/get?run_id={run['id']}", **A)
    assert answer["run"]["info"]["user_id"] == "user:acme"
    assert run["artifacts"].startswith(f"workspaces/{ACME}/")
    assert server.ask("GET", f"/get-artifact?path=secret.txt&run_uuid={run['id']}", **A) == (200, b"acme's")


def test_clients_are_never_sent_past_the_server(server: TrackingServer, run: dict[str, str]) -> None:
    """They may be where the storage is not, and would wait for it until they give up."""
    code, said = server.ask("GET", "/api/3.0/mlflow/server-info", **A)
    assert code == 200
    assert (said["multipart_downloads_enabled"], said["multipart_uploads_enabled"]) == (False, False)
    code, said = server.ask("GET", f"/api/2.0/mlflow-artifacts/artifacts/{run['artifacts']}/secret.txt", **A)
    assert (code, said) == (200, b"acme's")
    code, said = server.ask("GET", f"/api/2.0/mlflow-artifacts/presigned/{run['artifacts']}/secret.txt", **A)
    assert (code, "not supported" in said["message"]) == (501, True), said


def test_pods_that_make_the_default_experiment_at_once_share_it(server: TrackingServer) -> None:
    def make(who: dict[str, Any], name: str) -> tuple[int, Any]:
        return server.ask("POST", "/api/2.0/mlflow/experiments/create", {"name": name}, **who)

    with ThreadPoolExecutor(8) as pods:
        answers = list(pods.map(lambda _: make(A, "Default"), range(8)))
    assert [status for status, _ in answers] == [200] * 8, answers
    (own,) = {made["experiment_id"] for _, made in answers}
    status, other = make(B, "Default")
    assert status == 200
    assert other["experiment_id"] != own
    assert make(A, "twice")[0] == 200
    status, refused = make(A, "twice")
    assert (status, refused["error_code"]) == (400, "RESOURCE_ALREADY_EXISTS")


def test_viewer_reads_and_does_not_write(server: TrackingServer, run: dict[str, str]) -> None:
    viewer = A | {"user": "user:viewer", "groups": (tenant_group("acme", Role.VIEWER),)}
    assert server.ask("GET", f"/api/2.0/mlflow/runs/get?run_id={run['id']}", **viewer)[0] == 200
    for path, body in (
        ("/api/2.0/mlflow/experiments/create", {"name": "mine"}),
        ("/api/2.0/mlflow/runs/delete", {"run_id": run["id"]}),
        ("/api/2.0/mlflow/registered-models/create", {"name": "mine"}),
    ):
        assert server.ask("POST", path, body, **viewer)[0] == 403, path


@pytest.mark.parametrize(
    "caller", [B, B | {"workspace": ACME}, {"user": "user:evil", "workspace": ACME}, B | {"groups": ()}]
)
def test_other_tenants_see_and_change_nothing(
    server: TrackingServer, run: dict[str, str], caller: dict[str, Any]
) -> None:
    for method, path, body in (
        ("GET", f"/api/2.0/mlflow/runs/get?run_id={run['id']}", None),
        ("GET", f"/get-artifact?path=secret.txt&run_uuid={run['id']}", None),
        ("GET", f"/api/2.0/mlflow-artifacts/artifacts/{run['artifacts']}/secret.txt", None),
        ("GET", f"/ajax-api/2.0/mlflow-artifacts/artifacts/{run['artifacts']}/secret.txt", None),
        ("GET", f"/api/2.0/mlflow-artifacts/artifacts?path={run['artifacts']}", None),
        ("PUT", f"/api/2.0/mlflow-artifacts/artifacts/{run['artifacts']}/secret.txt", b"changed"),
        ("DELETE", f"/api/2.0/mlflow-artifacts/artifacts/{run['artifacts']}/secret.txt", None),
        ("POST", "/api/2.0/mlflow/runs/delete", {"run_id": run["id"]}),
        ("POST", "/api/2.0/mlflow/runs/log-metric", {"run_id": run["id"], "key": "m", "value": 1, "timestamp": 1}),
        ("GET", f"/api/2.0/mlflow/artifacts/list?run_id={run['id']}", None),
    ):
        status, answer = server.ask(method, path, body, **caller)
        assert status in {400, 403, 404}, (method, path, status, answer)
        assert b"acme's" not in (answer if isinstance(answer, bytes) else json.dumps(answer).encode())
    assert server.ask("GET", f"/get-artifact?path=secret.txt&run_uuid={run['id']}", **A) == (200, b"acme's")


@pytest.mark.parametrize(
    "path",
    [
        "..%2f{acme}/secret.txt",
        "../{acme}/secret.txt",
        "%2e%2e/{acme}/secret.txt",
        "..%252f{acme}/secret.txt",
        "./../{acme}/secret.txt",
        "workspaces/../{full}/secret.txt",
        f"workspaces/{EVIL}/../{{acme}}/secret.txt",
        f"workspaces/{EVIL}%2f..%2f{{acme}}/secret.txt",
        "/{full}/secret.txt",
        "workspaces//{acme}/secret.txt",
        "%2f{full}/secret.txt",
        "..\\{acme}\\secret.txt",
    ],
)
def test_paths_do_not_lead_out_of_the_workspace(server: TrackingServer, run: dict[str, str], path: str) -> None:
    full = run["artifacts"]
    asked = path.format(full=full, acme=full.removeprefix("workspaces/")).replace("\\", "%5c")
    for prefix in ("/api/2.0/mlflow-artifacts/artifacts/", "/ajax-api/2.0/mlflow-artifacts/artifacts/"):
        status, answer = server.ask("GET", prefix + asked, **B)
        assert status >= 400, (status, answer)
        assert answer != b"acme's"


@pytest.mark.parametrize(
    "source",
    [
        "s3://mlflow/{acme}",
        "S3://mlflow/{acme}",
        "s3://mlflow",
        "mlflow-artifacts:/{acme}",
        "mlflow-artifacts://localhost/{acme}",
        "file:///proc/self",
        "/proc/self",
        "http://127.0.0.1/{acme}",
        "runs:/{run}/",
        "x\nmlflow-artifacts:/{acme}",
        "gs://mlflow/{acme}",
    ],
)
def test_a_model_version_has_no_source_elsewhere(server: TrackingServer, run: dict[str, str], source: str) -> None:
    name = f"m-{uuid.uuid4().hex[:8]}"
    assert server.ask("POST", "/api/2.0/mlflow/registered-models/create", {"name": name}, **B)[0] == 200
    body = {"name": name, "source": source.format(acme=run["artifacts"], run=run["id"])}
    assert server.ask("POST", "/api/2.0/mlflow/model-versions/create", body, **B)[0] in {400, 404}


@pytest.mark.parametrize(
    "location", ["mlflow-artifacts:/{stolen}", "s3://mlflow/{stolen}", "file:///{stolen}", "s3://other"]
)
def test_a_traces_location_does_not_lead_out_of_the_workspace(
    server: TrackingServer, run: dict[str, str], location: str
) -> None:
    """The tag can be changed through MLflow's API, and the server follows it with its own rights."""
    attachment = str(uuid.uuid4())
    stolen = run["artifacts"]
    target = f"/api/2.0/mlflow-artifacts/artifacts/{stolen}/attachments/{attachment}"
    assert server.ask("PUT", target, b"acme's attachment", **A)[0] == 200
    trace = _trace(server, B)
    path = f"/ajax-api/2.0/mlflow/get-trace-artifact?request_id={trace}"
    tag = {"key": "mlflow.artifactLocation", "value": location.format(stolen=stolen)}
    assert server.ask("PATCH", f"/api/3.0/mlflow/traces/{trace}/tags", tag, **B)[0] == 200
    for asked in (f"{path}&path={attachment}", path):
        status, answer = server.ask("GET", asked, **B)
        assert status >= 400, answer
        assert b"acme's" not in (answer if isinstance(answer, bytes) else json.dumps(answer).encode())


def test_a_traces_own_location_works(server: TrackingServer, run: dict[str, str]) -> None:
    """The other half of the test above: what it refuses is the place, not the call."""
    attachment = str(uuid.uuid4())
    target = f"/api/2.0/mlflow-artifacts/artifacts/{run['artifacts']}/attachments/{attachment}"
    assert server.ask("PUT", target, b"acme's attachment", **A)[0] == 200
    trace = _trace(server, A)
    tag = {"key": "mlflow.artifactLocation", "value": f"mlflow-artifacts:/{run['artifacts']}"}
    assert server.ask("PATCH", f"/api/3.0/mlflow/traces/{trace}/tags", tag, **A)[0] == 200
    path = f"/ajax-api/2.0/mlflow/get-trace-artifact?request_id={trace}&path={attachment}"
    assert server.ask("GET", path, **A) == (200, b"acme's attachment")


def _trace(server: TrackingServer, caller: dict[str, Any]) -> str:
    name = f"traces-{uuid.uuid4().hex[:8]}"
    _, made = server.ask("POST", "/api/2.0/mlflow/experiments/create", {"name": name}, **caller)
    trace = f"tr-{uuid.uuid4().hex}"
    location = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": made["experiment_id"]}}
    info = {"trace_id": trace, "trace_location": location, "request_time": "2026-01-01T00:00:00Z", "state": "OK"}
    body = {"trace": {"trace_info": info | {"execution_duration": "1s"}}}
    status, answer = server.ask("POST", "/api/3.0/mlflow/traces", body, **caller)
    assert status == 200, answer
    return trace


def test_workspaces_list_shows_own_ones_only(server: TrackingServer) -> None:
    for caller, namespace in ((A, ACME), (B, EVIL)):
        _, answer = server.ask("GET", "/api/3.0/mlflow/workspaces", **caller)
        names = {workspace["name"] for workspace in answer["workspaces"]}
        tenant = namespace.partition("--")[0]
        assert namespace in names
        assert {name.partition("--")[0] for name in names} == {tenant}, "other tests make workspaces of the same tenant"


@pytest.mark.parametrize("namespace", ["default", "kube-system", "mlp-tracking", "nowhere", "WS-ACME--DEV", "a/../b"])
def test_namespaces_of_no_tenant_are_no_workspaces(server: TrackingServer, namespace: str) -> None:
    caller = A | {"workspace": namespace, "groups": (*A["groups"], "system:masters")}
    assert server.ask("GET", "/api/2.0/mlflow/experiments/search?max_results=1", **caller)[0] in {400, 403, 404}


def test_only_the_gateway_is_answered(server: TrackingServer) -> None:
    path = "/api/2.0/mlflow/experiments/search?max_results=1"
    assert server.ask("GET", path, **A)[0] == 200
    assert server.ask("GET", path, **A, secret=None)[0] == 403
    assert server.ask("GET", path, **A, secret="x" * 43)[0] == 403
    assert server.ask("GET", path, **A, headers=[("X-Mlp-Gateway-Secret", "x")])[0] in {400, 403}
    assert server.ask("GET", path, **A, headers=[("X-Remote-User", "user:evil")])[0] == 400
    assert server.ask("GET", path, **A, headers=[("X-MLFLOW-WORKSPACE", EVIL)])[0] == 400
    assert server.ask("GET", path, workspace=ACME)[0] == 401
    assert server.ask("GET", "/health", secret=None)[0] == 200
    assert server.ask("GET", "/health/", secret=None)[0] == 403
    assert server.ask("GET", "/version", secret=None)[0] == 403


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/ajax-api/3.0/mlflow/assistant/status"),
        ("GET", "/api/3.0/mlflow/gateway/endpoints/list"),
        ("POST", "/api/3.0/mlflow/gateway/secrets/create"),
        ("POST", "/api/3.0/mlflow/workspaces"),
        ("DELETE", f"/api/3.0/mlflow/workspaces/{ACME}"),
    ],
)
def test_parts_that_nobody_may_use(server: TrackingServer, method: str, path: str) -> None:
    status, answer = server.ask(method, path, {} if method == "POST" else None, **A)
    assert status in {403, 404}, answer


def test_a_removed_member_is_refused_within_seconds(
    server: TrackingServer, kubernetes_server: KubernetesServer, run: dict[str, str]
) -> None:
    path = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{ACME}/rolebindings"
    person = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "user:leaver"}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "member"}
    body = {"metadata": {"name": "leaver"}, "roleRef": reference, "subjects": [person]}

    def wait_for(status: int) -> None:
        deadline = time.monotonic() + 30
        call = f"/api/2.0/mlflow/runs/get?run_id={run['id']}"
        while server.ask("GET", call, user="user:leaver", workspace=ACME)[0] != status:
            assert time.monotonic() < deadline
            time.sleep(0.2)

    wait_for(403)
    kubernetes_server.request("POST", path, body)
    wait_for(200)
    kubernetes_server.request("DELETE", f"{path}/leaver")
    wait_for(403)


_CLIENT = """
import mlflow, tempfile, pathlib
from mlflow import MlflowClient
experiment = mlflow.set_experiment("from-a-pod")
with mlflow.start_run() as run:
    mlflow.log_param("depth", 3)
    mlflow.log_metric("loss", 0.25)
    mlflow.log_text("weights", "model/weights.txt")
client = MlflowClient()
client.create_registered_model("churn")
version = client.create_model_version("churn", f"runs:/{run.info.run_id}/model", run_id=run.info.run_id)
client.set_registered_model_alias("churn", "champion", version.version)
weights = mlflow.artifacts.load_text(f"{run.info.artifact_uri}/model/weights.txt")
print(run.info.run_id, weights, client.get_model_version_by_alias("churn", "champion").version)
"""


@pytest.mark.skipif(nginx() is None, reason="nginx is missing: `platform tools --for tests` unpacks it")
def test_a_pods_client_logs_through_the_gateway(server: TrackingServer, tmp_path: Path) -> None:
    """What the workspace's image has, with a token file, against nginx and the real server behind it."""
    sources = tmp_path / "python"
    _lay_out_workspace_image(sources)
    (tmp_path / "token").write_text("good")
    folder = tmp_path / "gateway"
    folder.mkdir()
    with gateway(folder, tracking_port=server.port) as front:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "PYTHONPATH": str(sources),
            "MLFLOW_TRACKING_URI": f"https://localhost:{front.port}/mlflow",
            "MLFLOW_TRACKING_AUTH": "mlp",
            "MLFLOW_WORKSPACE": ACME,
            "MLFLOW_TRACKING_SERVER_CERT_PATH": str(folder / "pki" / "ca.crt"),
            "MLP_TOKEN_FILE": str(tmp_path / "token"),
            "GIT_PYTHON_REFRESH": "quiet",
        }
        done = _client(environment, tmp_path)
        assert done.returncode == 0, done.stderr[-3000:]
        run, weights, version = done.stdout.split()[-3:]
        assert (weights, version) == ("weights", "1"), done.stdout
        refused = _client(environment | {"MLFLOW_WORKSPACE": EVIL}, tmp_path)
        assert refused.returncode != 0
        assert "Permission denied" in refused.stderr or "PERMISSION_DENIED" in refused.stderr
        (tmp_path / "token").unlink()
        without = _client(environment, tmp_path)
        assert "has no token" in without.stderr
    _, answer = server.ask("GET", f"/api/2.0/mlflow/runs/get?run_id={run}", **A)
    assert answer["run"]["info"]["user_id"] == "user:alice"


@pytest.mark.skipif(nginx() is None, reason="nginx is missing: `platform tools --for tests` unpacks it")
def test_the_ui_finds_its_parts_below_the_gateways_path(server: TrackingServer, tmp_path: Path) -> None:
    """Relative addresses only: the server does not know that the gateway shows it at /mlflow/."""
    with gateway(tmp_path, tracking_port=server.port) as front:
        signed_in = {"Authorization": "Bearer good", "Accept": "text/html"}
        answer, page = front.ask("GET", "/mlflow/", signed_in)
        assert answer.status == 200
        parts = re.findall(r'(?:src|href)="([^"]+\.(?:js|css))"', page.decode())
        assert len(parts) >= 2
        for part in parts:
            assert not part.startswith(("/", "http"))
            answer, content = front.ask("GET", f"/mlflow/{part}", signed_in)
            assert (answer.status, len(content) > 1000) == (200, True), part
        answer, info = front.ask("GET", "/mlflow/ajax-api/3.0/mlflow/server-info", signed_in)
        assert json.loads(info)["workspaces_enabled"] is True
        assert json.loads(info)["features_enabled"] == {"gateway": False}


def _client(environment: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(interpreter()), "-c", _CLIENT],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def _lay_out_workspace_image(target: Path) -> None:
    """The image's own layers (not the wheels) below `target`."""
    for layer in workspace_image(TrackingSettings()).layers:
        match layer:
            case SourceTree(paths=paths):
                for path in paths:
                    (target / path).parent.mkdir(parents=True, exist_ok=True)
                    (target / path).symlink_to(ROOT / path)
            case TextFile(path=path, content=content):
                inside = target / Path(path).relative_to("/opt/python")
                inside.parent.mkdir(parents=True, exist_ok=True)
                inside.write_text(content)
            case _:
                pass


def test_the_log_holds_no_secrets(server: TrackingServer) -> None:
    text = server.log()
    for secret in (server.secret, "AWS_SECRET_ACCESS_KEY"):
        assert secret not in text
