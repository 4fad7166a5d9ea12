"""Watching one kind for as long as it takes: list, follow, resume, and list again where the history is gone."""

from __future__ import annotations

import json
import logging
import random
import socket
import threading
from collections.abc import Iterable
from typing import Protocol

import httpx2

from components.contract import KubernetesObject
from controlplane.errors import Temporary
from controlplane.kube.client import Kube
from controlplane.kube.errors import Expired, KubeError, Unreachable, from_status
from controlplane.kube.resources import Resource
from controlplane.kube.transport import decode

log = logging.getLogger(__name__)

_SILENCE = 90.0
"""Bookmarks come about once a minute; a connection that is silent for longer is dead. Seconds."""
_LIFETIME = (300, 600)
"""The server ends a stream after a random time between these, so that not all watchers return at once. Seconds."""
_LONGEST_PAUSE = 5.0
_ONE = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"


class Handler(Protocol):
    """Takes what a watch sees, in order, from the watch's own thread."""

    def listed(self, objects: Iterable[KubernetesObject]) -> None:
        """The whole set as it is now; what is not in it is gone. Called first, and after every gap."""
        ...

    def changed(self, obj: KubernetesObject) -> None:
        """The object is new or different."""
        ...

    def gone(self, obj: KubernetesObject) -> None:
        """The object was deleted, or no longer matches the selector. `obj` is its last state that did."""
        ...


class Watch:
    """One kind, cluster-wide. `run` in a thread of its own; `stop` from any other."""

    def __init__(
        self,
        kube: Kube,
        resource: Resource,
        handler: Handler,
        *,
        labels: str = "",
        fields: str = "",
        metadata_only: bool = False,
    ) -> None:
        self._kube = kube
        self._resource = resource
        self._handler = handler
        self._labels = labels
        self._fields = fields
        self._metadata_only = metadata_only
        self._stopped = threading.Event()
        self._response: httpx2.Response | None = None
        self._version = ""
        """Where to go on from; empty: list first."""
        self._random = random.Random()  # noqa: S311 - jitter, not a secret
        self.synced = threading.Event()
        """Set after the first complete list."""

    def stop(self) -> None:
        """Ends `run` soon, also where it waits for the next event."""
        self._stopped.set()
        response = self._response
        stream = response.extensions.get("network_stream") if response is not None else None
        connection = stream.get_extra_info("socket") if stream is not None else None
        if connection is not None:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                log.debug("the watch of %s was closed already", self._resource.plural)

    def run(self) -> None:
        """Returns only after `stop`. Whatever the API server does, it is asked again after a pause."""
        pause = 0.0
        while not self._stopped.wait(pause):
            try:
                if not self._version:
                    self._list()
                    self.synced.set()
                self._follow()
                pause = 0.0
            except Expired:
                self._version, pause = "", self._jitter(1.0)
            except KubeError as error:
                # What is permanent for others (Forbidden while rights are being changed) is asked again here as well.
                pause = min(max(pause * 2, self._jitter(0.5)), _LONGEST_PAUSE)
                if isinstance(error, Temporary) and error.retry_after:
                    pause = max(pause, min(error.retry_after, _LONGEST_PAUSE))
                if not self._stopped.is_set():
                    log.warning("watch of %s: %s; again in %.1f s", self._resource.plural, error, pause)

    def _list(self) -> None:
        version = ""

        def items() -> Iterable[KubernetesObject]:
            nonlocal version
            token = ""
            while True:
                page = self._kube.list_page(
                    self._resource, labels=self._labels, fields=self._fields, metadata_only=self._metadata_only,
                    token=token,
                )  # fmt: skip
                for item in page.get("items") or ():
                    yield self._named(item)
                version = page["metadata"]["resourceVersion"]
                token = page["metadata"].get("continue") or ""
                if not token:
                    return

        self._handler.listed(items())
        self._version = version

    def _follow(self) -> None:
        """Handles events until the stream ends or is silent for too long. Expired: the history is gone."""
        params = {
            "watch": "true", "allowWatchBookmarks": "true", "resourceVersion": self._version,
            "timeoutSeconds": str(self._random.randint(*_LIFETIME)),
            "labelSelector": self._labels, "fieldSelector": self._fields,
        }  # fmt: skip
        accept = {"Accept": _ONE if self._metadata_only else "application/json"}
        path = self._resource.path(None)
        chosen = {name: value for name, value in params.items() if value}
        try:
            with self._kube.transport.stream(path, chosen, accept, _SILENCE) as response:
                if not response.is_success:
                    raise from_status(response.status_code, decode(response.read()), f"WATCH {path}")
                self._response = response
                if self._stopped.is_set():
                    return
                for line in response.iter_lines():
                    self._handle(json.loads(line), path)
                    if self._stopped.is_set():
                        return
        except httpx2.ReadTimeout:
            return
        except (httpx2.TransportError, httpx2.StreamError, ValueError) as error:
            if not self._stopped.is_set():
                raise Unreachable(f"WATCH {path}: {type(error).__name__}: {error}") from error
        finally:
            self._response = None

    def _handle(self, event: KubernetesObject, path: str) -> None:
        kind, obj = event["type"], event["object"]
        if kind == "ERROR":
            raise from_status(int(obj.get("code") or 500), obj, f"WATCH {path}")
        if kind in ("ADDED", "MODIFIED"):
            self._handler.changed(self._named(obj))
        elif kind == "DELETED":
            self._handler.gone(self._named(obj))
        self._version = str(obj["metadata"]["resourceVersion"])

    def _named(self, obj: KubernetesObject) -> KubernetesObject:
        return {**obj, "apiVersion": self._resource.api_version, "kind": self._resource.kind}

    def _jitter(self, seconds: float) -> float:
        return seconds * (0.5 + self._random.random())
