"""The hub: JupyterHub with the gateway for its login, Kubernetes for its authority, and no proxy."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from jupyterhub.app import JupyterHub
from jupyterhub.utils import utcnow
from tornado.ioloop import PeriodicCallback
from traitlets import default
from traitlets.config import Config

from components.notebooks.hub import ending
from components.notebooks.hub import settings as hub_settings
from components.notebooks.hub.authenticator import GatewayAuthenticator
from components.notebooks.hub.authority import Authority
from components.notebooks.hub.ending import Limits
from components.notebooks.hub.handlers import OpenServer, Place, behind_gateway, end_transaction
from components.notebooks.hub.people import People, Unknowable
from components.notebooks.hub.routes import Routes
from components.notebooks.hub.settings import HubSecrets, HubSettings
from components.notebooks.hub.spawner import WorkspaceSpawner
from components.notebooks.hub.users import PersonDict
from components.notebooks.naming import HUB_PATH, workspace_of

PLACE_PATH = "/internal/place"
"""For the gateway, outside of what it passes on for people."""
_CHECK_SECONDS = 20
_OPEN = f"{HUB_PATH}/open"


class WorkspaceHub(JupyterHub):
    """Adds what cannot be configured: handlers, people, and the search for servers that must end."""

    people: People
    authority: Authority
    limits: Limits

    @default("users")
    def _users_default(self) -> PersonDict:
        return PersonDict(db_factory=lambda: self.db, settings=self.tornado_settings)

    def init_handlers(self) -> None:
        super().init_handlers()
        own = [(PLACE_PATH, Place), (rf"{_OPEN}/([A-Za-z0-9._%-]+)", OpenServer)]
        every = (*own, *self.handlers)  # type: ignore[has-type]
        self.handlers = [(entry[0], behind_gateway(entry[1]), *entry[2:]) for entry in every]

    def check_invalid_named_servers(self) -> None:
        """Ours are named by workspaces, past JupyterHub's own rule for names, which would end the hub's start."""

    async def start(self) -> None:
        await super().start()
        self._started = utcnow(with_tz=False)
        check = PeriodicCallback(self.end_servers, _CHECK_SECONDS * 1000)
        self._periodic_callbacks["ending"] = check
        check.start()

    async def end_servers(self) -> None:
        """Ends every server that is idle or too old, or whose owner may no longer run anything in its workspace."""
        active = [
            (user, name)
            for user in list(self.users.values())
            for name, spawner in list(user.spawners.items())
            if spawner.active and workspace_of(name)
        ]
        used = {user.spawners[name].namespace for user, name in active}
        for user, name in active:
            if name not in user.spawners or user.spawners[name].pending:
                continue
            row = user.spawners[name].orm_spawner
            why = ending.reason(self.limits, utcnow(with_tz=False), self._started, row.started, row.last_activity)
            if why or (why := await self._unentitled(user.name, name)):
                self.log.warning("the server %s of %s ends: %s", name, user.name, why)
                await self._end(user, name)
        await WorkspaceSpawner.stop_watching(used)
        end_transaction(self.db)

    async def _unentitled(self, account: str, server: str) -> str:
        """Why the owner lost the server; empty where they did not, or nobody can tell."""
        try:
            owner = await self.people.find(account)
            if owner is not None and await self.authority.may_run(owner, server):
                return ""
        except Unknowable as error:
            self.log.warning("cannot tell whether %s may still run %s: %s", account, server, error)
            return ""
        return "its owner may not run anything in the workspace any more"

    async def _end(self, user: Any, server: str) -> None:
        await self.proxy.delete_user(user, server)
        try:
            await user.stop(server)
        except Exception:
            self.log.exception("%s of %s did not end; it is tried again", server, user.name)


def configuration(settings: HubSettings, secrets: HubSecrets) -> Config:
    """JupyterHub's configuration. Pure."""
    made = Config()
    hub = made.JupyterHub
    hub.base_url = "/notebooks/"
    hub.public_url = f"{settings.public_url}/notebooks/"
    hub.hub_bind_url = f"http://0.0.0.0:{settings.port}"
    hub.hub_connect_url = settings.hub_url
    hub.db_url = settings.database_url
    hub.cookie_secret = hashlib.sha256(secrets.cookie.get_secret_value().encode()).digest()
    # Each server has an origin of its own, so its cookies can be bound to that host and nothing below or beside it.
    hub.cookie_host_prefix_enabled = True
    hub.authenticator_class = GatewayAuthenticator
    hub.spawner_class = WorkspaceSpawner
    hub.proxy_class = Routes
    hub.allow_named_servers = True
    hub.default_url = f"{HUB_PATH}/home"
    hub.cleanup_servers = False
    hub.cleanup_proxy = False
    hub.last_activity_interval = 0
    hub.redirect_to_server = False
    hub.implicit_spawn_seconds = 0
    hub.concurrent_spawn_limit = 32
    hub.token_expires_in_max_seconds = 8 * 3600
    hub.template_paths = [str(Path(__file__).parent / "templates")]
    hub.template_vars = {"public_url": settings.public_url}
    made.Authenticator.allow_all = True
    made.Authenticator.auth_refresh_age = 4
    made.Authenticator.auth_refresh_strict = True
    made.WorkspaceSpawner = _spawner(settings)
    return made


def _spawner(settings: HubSettings) -> Config:
    pod = Config()
    pod.cmd = ["python3", "-m", "components.notebooks.pod.start"]
    pod.default_url = "/lab"
    pod.port = settings.server_port
    pod.start_timeout = 180
    pod.http_timeout = 60
    pod.poll_interval = 15
    pod.consecutive_failure_limit = 0
    pod.common_labels = dict(settings.pod_labels)
    pod.dns_name_template = "{name}.{namespace}.svc." + settings.cluster_domain
    pod.services_enabled = True
    pod.storage_pvc_ensure = True
    pod.storage_capacity = settings.home
    pod.storage_class = settings.storage_class or None
    pod.storage_access_modes = ["ReadWriteOnce"]
    pod.storage_extra_labels = {}
    pod.delete_pvc = False
    pod.uid = pod.gid = pod.fs_gid = settings.uid
    pod.priority_class_name = settings.priority_class
    pod.service_account = settings.service_account
    pod.automount_service_account_token = False
    pod.image_pull_policy = "IfNotPresent"
    pod.container_security_context = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    pod.extra_pod_config = {"enableServiceLinks": False}
    pod.volumes = [
        {"name": "home", "persistentVolumeClaim": {"claimName": "{pvc_name}"}},
        {"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}},
        dict(settings.volume),
    ]
    pod.volume_mounts = [
        {"name": "home", "mountPath": "/home/notebook"},
        {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - a folder of the container's own
        {"name": str(settings.volume["name"]), "mountPath": settings.volume_folder, "readOnly": True},
    ]
    pod.extra_container_config = {"envFrom": [{"configMapRef": {"name": settings.environment_config_map}}]}
    pod.environment = {
        "HOME": "/home/notebook",
        "JUPYTERHUB_ACTIVITY_INTERVAL": "60",
    }
    return pod


def prepared(settings: HubSettings, secrets: HubSecrets) -> WorkspaceHub:
    """The hub before its start."""
    people = People(settings.control_plane_url, secrets.people.get_secret_value())
    authority = Authority()
    GatewayAuthenticator.people = WorkspaceHub.people = people
    WorkspaceHub.authority = authority
    WorkspaceHub.limits = Limits(settings.idle_seconds, settings.max_age_seconds)
    WorkspaceSpawner.hub_settings = settings
    hub: Any = WorkspaceHub.instance(config=configuration(settings, secrets))
    hub.tornado_settings = {
        "gateway_secret": secrets.gateway.get_secret_value(),
        "people": people,
        "authority": authority,
        "notebooks_domain": settings.domain,
    }
    return hub  # type: ignore[no-any-return]


def main() -> None:
    """Runs until it is told to end; servers run on."""
    prepared(*hub_settings.load(os.environ)).launch_instance([])


if __name__ == "__main__":
    main()
