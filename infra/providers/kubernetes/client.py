"""The only module that talks to an API server: one pooled connection set, discovery kept, retries where they are safe.

Every write is a server-side apply or a delete and may be repeated, so a lost answer is simply asked for again.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2
import yaml
from lightkube.config.client_adapter import user_auth, verify_cluster
from lightkube.config.kubeconfig import KubeConfig, SingleConfig
from lightkube.config.models import User
from lightkube.core.exceptions import ConfigError

from infra.providers.kubernetes.errors import ApiError, ConfigInvalid, KindUnknown, NotFound, Unreachable, from_answer

Obj = dict[str, Any]

_CONNECTIONS = 32
PATIENCE = 8.0
"""Seconds for which an API server that does not answer, or not well, is asked again."""
_FIRST_PAUSE = 0.2
"""Seconds; doubled at each try."""
_RETRIED = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Kind:
    """Where the objects of a kind live."""

    api_version: str
    name: str
    plural: str
    namespaced: bool

    def path(self, namespace: str | None, name: str | None = None) -> str:
        """URL path of one object, or of the collection."""
        group = "api/v1" if self.api_version == "v1" else f"apis/{self.api_version}"
        scope = f"/namespaces/{quote(namespace or 'default')}" if self.namespaced else ""
        return f"/{group}{scope}/{self.plural}" + (f"/{quote(name, safe='')}" if name else "")


def load_kubeconfig(content_or_path: str | None, context: str | None) -> SingleConfig:
    """The chosen context. Takes a kubeconfig's content (YAML or JSON), a path, or None for the usual places."""
    try:
        if content_or_path and ("\n" in content_or_path or content_or_path.lstrip().startswith("{")):
            config = KubeConfig.from_dict(yaml.safe_load(content_or_path))
        elif content_or_path:
            config = KubeConfig.from_file(content_or_path)
        else:
            config = KubeConfig.from_file(os.environ.get("KUBECONFIG") or Path.home() / ".kube" / "config")
        found = config.get(context)
    except (ConfigError, KeyError, TypeError, AttributeError, yaml.YAMLError) as error:
        raise ConfigInvalid(f"the kubeconfig can't be used: {error or type(error).__name__}") from error
    if found is None:
        raise ConfigInvalid("the kubeconfig has no current context; name one with `context`")
    return found


class Client:
    """One cluster. Safe for many concurrent calls on one event loop. Close it with `aclose`."""

    def __init__(self, config: SingleConfig, patience: float = PATIENCE) -> None:
        self._patience = patience
        self.server = config.cluster.server
        self.namespace = config.namespace
        user = config.user or User()
        # A cluster on this machine is never behind the company's proxy.
        trust_env = urlsplit(self.server).hostname not in {"localhost", "127.0.0.1", "::1"}
        try:
            verify = verify_cluster(config.cluster, user, config.abs_file, trust_env=trust_env)
            auth = user_auth(user)
        except (ConfigError, OSError) as error:
            raise ConfigInvalid(f"the kubeconfig's credentials can't be used: {error}") from error
        self._http = httpx2.AsyncClient(
            base_url=self.server,
            verify=verify,
            auth=auth,
            trust_env=trust_env,
            timeout=httpx2.Timeout(30, connect=10, pool=None),
            limits=httpx2.Limits(max_connections=_CONNECTIONS * 4, max_keepalive_connections=_CONNECTIONS),
            headers={"Accept": "application/json", "User-Agent": "mlp-installer"},
        )
        self._busy = asyncio.Semaphore(_CONNECTIONS)
        self._kinds: dict[str, dict[str, Kind]] = {}
        self._discovering: dict[str, asyncio.Lock] = {}

    async def aclose(self) -> None:
        """Ends all connections."""
        await self._http.aclose()

    # Discovery

    async def kind(self, api_version: str, kind: str) -> Kind:
        """Raises KindUnknown. A kind once found is kept; one that is missing is asked for again at each call."""
        lock = self._discovering.setdefault(api_version, asyncio.Lock())
        async with lock:
            known = self._kinds.get(api_version, {})
            if kind not in known:
                known = self._kinds[api_version] = await self._discover(api_version)
        if kind not in known:
            raise KindUnknown(api_version, kind)
        return known[kind]

    async def _discover(self, api_version: str) -> dict[str, Kind]:
        path = "/api/v1" if api_version == "v1" else f"/apis/{api_version}"
        try:
            answer = await self._call("GET", path)
        except NotFound:
            return {}
        return {
            entry["kind"]: Kind(api_version, entry["kind"], entry["name"], bool(entry["namespaced"]))
            for entry in answer.get("resources") or []
            if "/" not in entry["name"]
        }

    # Objects

    async def get(self, kind: Kind, namespace: str | None, name: str) -> Obj | None:
        """The object; None where it is not there."""
        try:
            return await self._call("GET", kind.path(namespace, name))
        except NotFound:
            return None

    async def list(self, kind: Kind, namespace: str | None, label_selector: str = "") -> list[Obj]:
        """Objects of one namespace (or of a cluster-wide kind)."""
        answer = await self._call("GET", kind.path(namespace), {"labelSelector": label_selector})
        return list(answer.get("items") or [])

    async def apply(
        self, kind: Kind, obj: Obj, manager: str, *, force: bool, dry_run: bool
    ) -> tuple[Obj, tuple[str, ...]]:
        """Server-side apply: the object and the server's warnings (unknown fields, deprecations). Raises FieldConflict,
        NotFound (no such namespace) and the other ApiErrors."""
        metadata = obj["metadata"]
        query = {"fieldManager": manager, "force": "true" if force else "false", "fieldValidation": "Warn"}
        if dry_run:
            query["dryRun"] = "All"
        path = kind.path(metadata.get("namespace"), metadata["name"])
        response = await self._send("PATCH", path, query, obj)
        applied: Obj = response.json()
        return applied, _warnings(response)

    async def delete(self, kind: Kind, namespace: str | None, name: str, propagation: str) -> bool:
        """Starts the deletion; False where the object is not there."""
        options = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": propagation}
        try:
            await self._call("DELETE", kind.path(namespace, name), None, options)
        except NotFound:
            return False
        return True

    async def watch(self, kind: Kind, namespace: str | None, name: str, version: str) -> AsyncIterator[tuple[str, Obj]]:
        """(event type, object) for changes of one object after a resource version, until the server ends the watch.

        Raises Unreachable when the stream breaks; the caller reads the object anew and watches again.
        """
        query = {
            "watch": "true",
            "fieldSelector": f"metadata.name={name}",
            "resourceVersion": version,
            "timeoutSeconds": "300",
        }
        timeout = httpx2.Timeout(30, connect=10, read=330)
        try:
            async with self._http.stream("GET", kind.path(namespace), params=query, timeout=timeout) as response:
                if response.status_code >= 400:
                    await response.aread()
                    raise _error(response)
                async for line in response.aiter_lines():
                    if line:
                        event = json.loads(line)
                        yield event["type"], event["object"]
        except httpx2.TransportError as error:
            raise Unreachable(self._unreachable(error)) from error

    # How

    async def _call(
        self, method: str, path: str, query: Mapping[str, str] | None = None, body: Obj | None = None
    ) -> Obj:
        answer: Obj = (await self._send(method, path, query, body)).json()
        return answer

    async def _send(self, method: str, path: str, query: Mapping[str, str] | None, body: Obj | None) -> httpx2.Response:
        content = None if body is None else json.dumps(body).encode()
        kind = "application/apply-patch+yaml" if method == "PATCH" else "application/json"
        headers = {"Content-Type": kind} if content else {}
        pause = _FIRST_PAUSE
        deadline = time.monotonic() + self._patience
        while True:
            try:
                async with self._busy:
                    response = await self._http.request(method, path, params=query, content=content, headers=headers)
            except httpx2.TransportError as error:
                if time.monotonic() + pause > deadline:
                    raise Unreachable(self._unreachable(error)) from error
            else:
                if response.status_code < 400:
                    return response
                pause = max(pause, _retry_after(response))
                if response.status_code not in _RETRIED or time.monotonic() + pause > deadline:
                    raise _error(response)
            await asyncio.sleep(pause)
            pause *= 2

    def _unreachable(self, error: Exception) -> str:
        return f"the API server at {self.server} can't be reached: {error or type(error).__name__}"


def _retry_after(response: httpx2.Response) -> float:
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isdigit() else 0.0


def _error(response: httpx2.Response) -> ApiError:
    try:
        body = response.json()
    except ValueError:
        body = None
    return from_answer(response.status_code, body, response.text[:500])


def _warnings(response: httpx2.Response) -> tuple[str, ...]:
    """The texts of `Warning: 299 - "text"` headers."""
    return tuple(re.findall(r'299 \S+ "((?:[^"\\]|\\.)*)"', ", ".join(response.headers.get_list("Warning"))))
