"""The real tracking server: MLflow from the component's lock, on a real API server, PostgreSQL and S3 server."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from components.catalog import component
from components.storage.objects import TRACKING_BUCKET, TRACKING_USER
from components.tracking.objects import HOST, environment
from components.tracking.settings import TrackingSettings
from tests.servers.installs import install
from tests.servers.kubernetes import KubernetesRequestFailed, KubernetesServer
from tests.servers.ports import free_port
from tests.servers.postgres import Postgres
from tests.servers.storage import StorageServer
from tests.servers.venvs import environment as packages

ROOT = Path(__file__).parents[2]
PYTHON = "3.13"
"""What the image has; the lock is made for it."""


class InterpreterMissing(RuntimeError):
    """There is no Python of the image's version on this machine, and none may be downloaded."""


def _found() -> Path:
    """A Python of the image's version. A shim on PATH that starts none is passed over. Raises InterpreterMissing."""
    name = f"python{PYTHON}"
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(":") if folder]
    folders += sorted((Path.home() / ".pyenv" / "versions").glob(f"{PYTHON}.*/bin"))
    for folder in folders:
        candidate = folder / name
        if (
            candidate.exists()
            and subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode == 0
        ):
            return candidate
    raise InterpreterMissing(f"{name} is not on this machine; tests of servers from images need it")


def interpreter(component: str = "tracking") -> Path:
    """Python with all of a component's requirements.lock, made once per lock. Raises InterpreterMissing."""
    return packages(ROOT / f"components/{component}/requirements.lock", component, _found())


class TrackingServer:
    """`start` and `stop`. The server has the rights of the component's own ClusterRole, no others."""

    def __init__(
        self, folder: Path, cluster: KubernetesServer, postgres: Postgres, storage: StorageServer, secret: str
    ) -> None:
        self._folder = folder
        self.port = free_port()
        self.secret = secret
        self.reader_secret = f"reader-of-{secret}"
        self.process: subprocess.Popen[bytes] | None = None
        postgres.sql("CREATE ROLE tracking LOGIN")
        postgres.sql("CREATE DATABASE tracking OWNER tracking")
        storage_secret = storage.create_user(TRACKING_USER, TRACKING_BUCKET)
        public = environment(TrackingSettings(), install())
        self._env = {
            **{name: value for name, value in os.environ.items() if name in {"PATH", "LANG"}},
            **public,
            "MLP_DATABASE": f"postgresql+psycopg2://tracking@127.0.0.1:{postgres.port}/tracking",
            "MLFLOW_S3_ENDPOINT_URL": storage.url,
            "AWS_SECRET_ACCESS_KEY": storage_secret,
            "MLP_GATEWAY_SECRET": self.secret,
            "MLP_READER_SECRET": self.reader_secret,
            "KUBECONFIG": str(self._kubeconfig(cluster)),
            "HOME": str(folder),
            "MPLCONFIGDIR": str(folder),
            "PYTHONPATH": str(self._sources()),
            "PYTHONDONTWRITEBYTECODE": "1",
            "TMPDIR": tempfile.mkdtemp(dir=folder),
        }

    def allow_hosts(self, *hosts: str) -> None:
        """Names that it answers to, instead of its own alone. Before `start`."""
        self._env["MLFLOW_SERVER_ALLOWED_HOSTS"] = ",".join(hosts)

    def _sources(self) -> Path:
        """Only what the image has of this project."""
        tree = self._folder / "sources"
        (tree / "components" / "tracking").mkdir(parents=True)
        (tree / "components" / "tracking" / "server").symlink_to(ROOT / "components/tracking/server")
        return tree

    def _kubeconfig(self, cluster: KubernetesServer) -> Path:
        paths = {
            "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
            "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
            "CustomResourceDefinition": "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
            "Namespace": "/api/v1/namespaces",
            "ServiceAccount": "/api/v1/namespaces/mlp-tracking/serviceaccounts",
        }
        for obj in component("tracking").objects(TrackingSettings(), install()):
            if path := paths.get(obj["kind"]):
                try:
                    cluster.request("POST", path, obj)
                except KubernetesRequestFailed as error:
                    if error.status != 409:
                        raise
        token = cluster.service_account_token("mlp-tracking", "tracking")
        path = self._folder / "kubeconfig"
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(cluster.kubeconfig_with_token(token)))
        return path

    def migrate(self) -> str:
        """Runs the init container's program; gives its output."""
        command = [str(interpreter()), "-m", "components.tracking.server.migrate"]
        done = subprocess.run(
            command, env=self._env, cwd=self._folder, capture_output=True, text=True, check=False, timeout=180
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def start(self, seconds: float = 120) -> TrackingServer:
        arguments = ["--host=127.0.0.1", f"--port={self.port}", "--no-access-log", "--no-proxy-headers"]
        with (self._folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [str(interpreter()), "-m", "uvicorn", "--factory", "components.tracking.server.app:create", *arguments],
                env=self._env,
                cwd=self._folder,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self.ask("GET", "/health", secret=None)[0] == 200:
                    return self
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"the tracking server did not start: {self.log()[-4000:]}")

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(timeout=45)
            finally:
                self.process.kill()
            self.process = None

    def log(self) -> str:
        """Everything that it has written."""
        return (self._folder / "log").read_text(errors="replace")

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        user: str | None = None,
        groups: tuple[str, ...] = (),
        workspace: str | None = None,
        secret: str | None = "",
        headers: list[tuple[str, str]] | None = None,
    ) -> tuple[int, Any]:
        """One call as the gateway makes it: status and JSON (or bytes). `body`: bytes as they are, else JSON."""
        sent = [("Host", HOST), *(headers or [])]
        if secret is not None:
            sent.append(("X-Mlp-Gateway-Secret", secret or self.secret))
        if user:
            sent.append(("X-Remote-User", user))
        if groups:
            sent.append(("X-Remote-Groups", "|".join(groups)))
        if workspace:
            sent.append(("X-MLflow-Workspace", workspace))
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if data is not None and not isinstance(body, bytes):
            sent.append(("Content-Type", "application/json"))
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.putrequest(method, path, skip_host=True)
            for name, value in sent:
                connection.putheader(name, value)
            if data is not None:
                connection.putheader("Content-Length", str(len(data)))
            connection.endheaders(data)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, text
