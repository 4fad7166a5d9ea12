"""Lets only the platform through: who the caller is stands in headers that anybody could send.

The gateway speaks for everybody. The control plane's watcher has a secret of its own, as the workload account of the
workspace that it asks about and of no other: by it it may read what an alias points to and, where there is tuning,
record searches as runs. It deletes nothing and reads no artifact.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]

SECRET_HEADER = b"x-mlp-gateway-secret"
HEALTH_PATH = "/health"
_ONCE = (SECRET_HEADER, b"x-remote-user", b"x-remote-groups", b"x-mlflow-workspace")
"""Headers that decide something; two of one name would let two readers see different callers."""


_API = "/api/2.0/mlflow/"
_ALIASES = frozenset({("GET", "registered-models/alias")})
_SEARCHES = frozenset(
    {
        ("POST", "experiments/search"),
        ("POST", "experiments/create"),
        ("GET", "experiments/get-by-name"),
        ("POST", "runs/search"),
        ("POST", "runs/create"),
        ("POST", "runs/log-batch"),
        ("POST", "runs/update"),
        ("GET", "model-versions/search"),
        ("POST", "registered-models/create"),
        ("POST", "model-versions/create"),
        ("POST", "registered-models/alias"),
    }
)
_LOGGED_MODEL = re.compile(r"logged-models/m-[0-9a-f]{32}")
_WORKLOAD = re.compile(rb"system:serviceaccount:(ws-[a-z0-9-]+):workload")


class GatewayGuard:
    """Answers 403 to every call without a secret, 400 to ambiguous ones; the kubelet may ask for health."""

    def __init__(self, app: ASGIApp, secret: str, reader: str, *, searches: bool = False) -> None:
        """`secret` is the gateway's, `reader` the watcher's. `searches`: the watcher records searches."""
        self._app = app
        self._secret = secret.encode()
        self._reader = reader.encode()
        self._searches = searches

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or (scope["type"] == "http" and scope["path"] == HEALTH_PATH):
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        names = [name.lower() for name, _ in scope["headers"]]
        given = next((value for name, value in scope["headers"] if name.lower() == SECRET_HEADER), b"")
        gateway, reader = hmac.compare_digest(given, self._secret), hmac.compare_digest(given, self._reader)
        if not gateway and not reader:
            await _refuse(send, 403, "This server answers the gateway only.")
        elif any(names.count(name) > 1 for name in _ONCE):
            await _refuse(send, 400, "A header that may stand once stands twice.")
        elif not gateway and not (_own(scope) and self._wanted(scope)):
            await _refuse(send, 403, "This secret is for the control plane's duties, as the workspace's own account.")
        else:
            kept = [(name, value) for name, value in scope["headers"] if name.lower() != SECRET_HEADER]
            await self._app({**scope, "headers": kept}, receive, send)

    def _wanted(self, scope: Scope) -> bool:
        method, path = str(scope["method"]), str(scope["path"])
        if not path.startswith(_API):
            return False
        call = (method, path.removeprefix(_API))
        if call in _ALIASES:
            return True
        logged = method == "GET" and _LOGGED_MODEL.fullmatch(call[1]) is not None
        return self._searches and (call in _SEARCHES or logged)


def _own(scope: Scope) -> bool:
    """Whether the caller is the workload account of the workspace that it asks about."""
    headers = {name.lower(): value for name, value in scope["headers"]}
    match = _WORKLOAD.fullmatch(headers.get(b"x-remote-user", b""))
    return match is not None and headers.get(b"x-mlflow-workspace") == match[1]


async def _refuse(send: Send, status: int, detail: str) -> None:
    body = json.dumps(
        {"error_code": "PERMISSION_DENIED" if status == 403 else "BAD_REQUEST", "message": detail}
    ).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
