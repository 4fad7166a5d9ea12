"""Starts a server as a pod in the workspace that its name says, with the person's volume and choice."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from kubernetes_asyncio.client.rest import ApiException
from kubespawner import KubeSpawner
from tornado import web

from components.names import DOMAIN, LABEL_TENANT, LABEL_WORKSPACE, workspace_namespace
from components.notebooks.hub import choices
from components.notebooks.hub.form import options_form, options_of
from components.notebooks.hub.settings import HubSettings
from components.notebooks.naming import home, label, workspace_of

LABEL_OWNER = f"{DOMAIN}/owner"
_GONE = (403, 404)
"""What the API server answers about a workspace that is suspended or was deleted: the hub has no rights there then."""
_REFUSALS = (400, 403, 422)
_PATIENCE = (1, 2, 4, 8, 15, 30)
"""Seconds between questions to an API server that does not answer."""


class WorkspaceSpawner(KubeSpawner):
    """One pod, Service and volume claim per person and workspace, all named by `naming.label`."""

    hub_settings: HubSettings
    """Set on the class before the hub starts."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        place = workspace_of(options["orm_spawner"].name)
        if place is not None:
            account, server = options["user"].name, options["orm_spawner"].name
            options |= {
                "namespace": workspace_namespace(*place),
                "pod_name_template": label(account, server),
                "pvc_name_template": home(account, server),
            }
        super().__init__(*arguments, **options)
        self.place = place
        self.options_form = options_form
        self.options_from_form = options_of
        self.options_from_query = _no_start_by_link
        self.apply_user_options = _taken_over_at_start

    # What is asked before and while it starts

    async def room(self) -> choices.Room:
        """What the workspace's quota leaves now."""
        answer = await self.api.list_namespaced_resource_quota(self.namespace, _preload_content=False)
        return choices.room((await answer.json())["items"], self.hub_settings.gpu_classes)

    async def load_user_options(self) -> None:
        """Checks what was chosen and takes it over. Raises HTTPError 400 with what is wrong, 409 where nothing fits."""
        settings = self.hub_settings
        try:
            choice = choices.read(self.user_options, settings)
        except choices.ChoiceRefused as error:
            raise _refused(400, str(error)) from None
        try:
            choices.fits(choice, await self.room(), settings)
        except choices.ChoiceRefused as error:
            raise _refused(409, str(error)) from None
        size = settings.sizes[choice.size]
        self.image = settings.images[choice.image]
        self.cpu_limit, self.cpu_guarantee = size.cpu, max(size.cpu / 10, 0.05)
        self.mem_limit, self.mem_guarantee = f"{size.memory}M", f"{size.memory // 4}M"
        # A GPU's request is its limit; the toleration goes with the taint of the nodes that have it.
        self.extra_resource_limits = {choice.gpu: str(choice.gpus)} if choice.gpu else {}
        self.tolerations = [{"key": choice.gpu, "operator": "Exists", "effect": "NoSchedule"}] if choice.gpu else []
        self.repository = choice.repository

    async def _start(self) -> str:
        """What the API server refuses, for a quota or a rule, is told in its own words."""
        try:
            return await super()._start()  # type: ignore[no-any-return]
        except ApiException as error:
            if error.status not in _REFUSALS:
                raise
            raise _refused(409, f"The workspace refused it: {_words(error)}") from error

    def get_env(self) -> dict[str, str]:
        """The hub's variables, and what the entry point of the image does first."""
        environment: dict[str, str] = super().get_env()
        environment["JUPYTERHUB_OAUTH_CALLBACK_URL"] = f"{self.public_url}oauth_callback"
        if self.repository:
            environment["MLP_REPOSITORY"] = self.repository
        return environment

    repository = ""

    def get_pvc_manifest(self) -> Any:
        """KubeSpawner names the class in an old annotation as well, which the policies refuse."""
        claim = super().get_pvc_manifest()
        claim.metadata.annotations.pop("volume.beta.kubernetes.io/storage-class", None)
        return claim

    def _get_pod_port(self, pod: Any) -> int:
        del pod
        return int(self.port)

    def _build_common_labels(self, extra_labels: dict[str, str]) -> dict[str, str]:
        labels: dict[str, str] = super()._build_common_labels(extra_labels)
        if self.place is not None:
            tenant, workspace = self.place
            labels |= {LABEL_TENANT: tenant, LABEL_WORKSPACE: workspace, LABEL_OWNER: self.user.name}
        return labels

    # What Kubernetes says of it

    async def poll(self) -> int | None:
        """None while the pod is there. In a workspace that the hub may no longer enter, nothing of ours runs."""
        for seconds in _PATIENCE:
            try:
                return await super().poll()  # type: ignore[no-any-return]
            except ApiException as error:
                if error.status in _GONE:
                    return 1
                self.log.warning("the API server answered %s about %s", error.status, self._log_name)
            except OSError as error:
                self.log.warning("the API server does not answer about %s: %s", self._log_name, error)
            await asyncio.sleep(seconds)
        return await super().poll()  # type: ignore[no-any-return]

    async def stop(self, now: bool = False) -> None:
        """Where the workspace is closed to the hub, the control plane has ended its pods."""
        try:
            await super().stop(now)
        except ApiException as error:
            if error.status not in _GONE:
                raise
            self.log.info("%s is in a workspace that is closed to the hub", self._log_name)

    async def delete_forever(self) -> None:
        """Files outlive the entry in the hub: only the workspace's members delete the volume."""

    async def _start_reflector(self, kind: str, reflector_class: Any, replace: bool = False, **options: Any) -> Any:
        """A reflector whose watch has ended, or never began, is made anew: its copy says nothing any more."""
        key = self._get_reflector_key(kind)
        found = self.__class__.reflectors.get(key)
        if found is not None and found.first_load_future.done():
            task = found.watch_task
            if task is None or task.done():
                self.__class__.reflectors.pop(key, None)
        return await super()._start_reflector(kind, reflector_class, replace, **options)

    @classmethod
    async def stop_watching(cls, used: set[str]) -> None:
        """Ends the watches of workspaces without a server, which may be gone; a start begins them anew."""
        for key in [key for key in cls.reflectors if key[1] not in used]:
            reflector = cls.reflectors[key]
            if reflector.first_load_future.done():
                del cls.reflectors[key]
                await reflector.stop()


def _words(error: ApiException) -> str:
    """The message of a Status object."""
    try:
        return str(json.loads(error.body)["message"])
    except (KeyError, TypeError, ValueError):
        return str(error.reason)


def _refused(status: int, message: str) -> web.HTTPError:
    error = web.HTTPError(status, message)
    error.jupyterhub_message = message
    return error


def _taken_over_at_start(spawner: Any, options: Any) -> None:
    """`load_user_options` does it, where it can ask the quota."""
    del spawner, options


def _no_start_by_link(query: Any) -> dict[str, Any]:
    """A link that starts a server with options of its author's choice would be followed by others."""
    del query
    raise _refused(400, "Choose in the form; addresses with options start nothing.")
