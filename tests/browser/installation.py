"""A control plane as it runs in a cluster, for a browser: its own processes on real PostgreSQL, Valkey and Kubernetes.

Web server and worker are started from settings in the environment, as their pods are; only the gateway is missing, so
the site is at http://localhost:<port>, which browsers trust as they trust https.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from components.facts import Endpoint
from components.names import API_SERVICE_ACCOUNT, CONTROL_PLANE_SERVICE_ACCOUNT, SYSTEM_NAMESPACE, Role
from controlplane.auth.accounts import AccountService
from controlplane.auth.model import AccountCreate, Login, Principal
from controlplane.auth.service import AuthService
from controlplane.members.model import MemberCreate
from controlplane.members.service import MemberService
from controlplane.runtime import Runtime
from controlplane.settings import Settings, load
from controlplane.tenants.model import Rules, TenantCreate
from controlplane.tenants.service import TenantService
from tests.contract.controlplane.contents import install_kinds
from tests.contract.reconcile.world import FACTS, World
from tests.servers.ports import free_port
from tests.servers.postgres import Postgres
from tests.servers.valkey import Valkey

ADMIN = "admin"
SECRET = secrets.token_urlsafe(18)
"""Password of every account of the run."""
TRACKING_SECRET = "t" * 40
_START_SECONDS = 120.0


class NotStarted(RuntimeError):
    """A process ended, or did not answer in time; the message ends with its log."""


@dataclass
class Installation:
    """What tests need: where it is, and the services behind it for making a scene."""

    url: str
    runtime: Runtime
    folder: Path
    environment: dict[str, str]
    world: World
    tracking_port: int
    """Where MLflow is expected; it runs only for tests that start it."""

    def account(self, name: str, title: str | None = None, *, platform_admin: bool = False) -> str:
        """Somebody who can sign in with SECRET; gives the name."""
        with self.runtime.work(self.principal(ADMIN)) as work:
            AccountService(work).create(
                AccountCreate(name=name, title=title, password=SECRET, platform_admin=platform_admin)
            )
        return name

    def principal(self, name: str) -> Principal:
        """Somebody with the rights they have now."""
        with self.runtime.work() as work:
            return AuthService(work).login(Login(account=name, password=SECRET)).principal

    def tenant(self, slug: str, title: str | None = None, *, rules: Rules | None = None, **members: Role) -> str:
        """A tenant with room, and members by account name; gives its name."""
        quota = {"cpu": "16", "memory": "64Gi", "storage": "200Gi", "pods": 200}
        with self.runtime.work(self.principal(ADMIN)) as work:
            TenantService(work).create(TenantCreate(slug=slug, title=title, quota=quota, rules=rules or Rules()))
            for subject, role in members.items():
                MemberService(work).add(slug, MemberCreate(subject=subject, role=role))
        return slug

    @contextmanager
    def worker(self) -> Iterator[None]:
        """A worker as long as the block lasts."""
        own = {"MLP_KUBECONFIG": str(_kubeconfig(self.folder, CONTROL_PLANE_SERVICE_ACCOUNT))}
        with _process("worker", [sys.executable, "-m", "controlplane.worker"], self, own):
            yield


def _kubeconfig(folder: Path, account: str) -> Path:
    """Of a service account of the control plane; the test's world wrote it."""
    return folder / f"{SYSTEM_NAMESPACE}-{account}.kubeconfig"


def _settings(
    folder: Path, postgres: Postgres, valkey: Valkey, port: int, tracking_port: int
) -> dict[str, str]:  # fmt: skip
    """The environment of the web application's pod."""
    facts = FACTS.model_copy(
        update={
            "public_url": f"http://localhost:{port}",
            "components": ("tracking", "notebooks", "training", "tuning", "pipelines", "serving", "kubeflow-pipelines"),
            "storage": None,
            "tracking": Endpoint(
                url=f"http://127.0.0.1:{tracking_port}", namespace="mlp-tracking", pod_labels={"app": "tracking"},
                port=tracking_port,
            ),
        }
    )  # fmt: skip
    secrets = (("gateway", "g" * 32), ("tracking", TRACKING_SECRET), ("first", SECRET))
    for name, content in (("facts", facts.model_dump_json()), *secrets):
        (folder / name).write_text(content)
    return {
        **os.environ,
        "MLP_DATABASE_URL": postgres.url("console", "application"),
        "MLP_OWNER_DATABASE_URL": postgres.url("console", "owner"),
        "MLP_BROKER_URL": valkey.url,
        "MLP_FACTS_FILE": str(folder / "facts"),
        "MLP_GATEWAY_SECRET_FILE": str(folder / "gateway"),
        "MLP_TRACKING_SECRET_FILE": str(folder / "tracking"),
        "MLP_FIRST_ADMIN_PASSWORD_FILE": str(folder / "first"),
        "MLP_KUBECONFIG": str(_kubeconfig(folder, API_SERVICE_ACCOUNT)),
    }


@contextmanager
def _process(
    name: str, command: list[str], at: Installation, own: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    with (at.folder / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            env={**at.environment, **(own or {})},
            stdout=log,
            stderr=log,
            cwd=Path(__file__).parents[2],
            start_new_session=True,
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


@contextmanager
def installation(folder: Path, world: World) -> Iterator[Installation]:
    """Everything but a worker, on the cluster of a world that keeps its kubeconfigs in the folder."""
    install_kinds(world)  # as the facts say: a console that asked before would take them for missing for a while
    postgres, valkey = Postgres().start(), Valkey().start()
    try:
        for role in ("owner", "application"):
            postgres.sql(f"CREATE ROLE {role} LOGIN")
        postgres.sql("CREATE DATABASE console OWNER owner")
        port, tracking_port = free_port(), free_port()
        environment = _settings(folder, postgres, valkey, port, tracking_port)
        settings: Settings = load(environment)
        made = Installation(
            settings.public_url, Runtime.make(settings), folder, environment, world, tracking_port
        )  # fmt: skip
        manage = [sys.executable, "-m", "controlplane.manage", "migrate", "bootstrap-admin"]
        done = subprocess.run(manage, env=environment, capture_output=True, text=True, timeout=180, check=False)
        if done.returncode:
            raise NotStarted(done.stderr[-2000:])
        with _process("api", _server(port), made) as process:
            _wait(made, process)
            yield made
        made.runtime.close()
    finally:
        valkey.close()
        postgres.close()


def _server(port: int) -> list[str]:
    app = "controlplane.app:from_environment()"
    return [
        sys.executable,
        "-m",
        "gunicorn",
        app,
        f"--bind=127.0.0.1:{port}",
        "--worker-class=gthread",
        "--threads=24",
        "--no-control-socket",
    ]


def _wait(at: Installation, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"{at.url}/login", timeout=5).close()  # noqa: S310
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise NotStarted((at.folder / "api.log").read_text()[-3000:])
