"""Lets only the gateway through: who the caller is stands in headers that anybody could send."""

from __future__ import annotations

import hmac
import json
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


class GatewayGuard:
    """Answers 403 to every call without the gateway's secret, 400 to ambiguous ones; the kubelet may ask for health."""

    def __init__(self, app: ASGIApp, secret: str) -> None:
        self._app = app
        self._secret = secret.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or (scope["type"] == "http" and scope["path"] == HEALTH_PATH):
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        names = [name.lower() for name, _ in scope["headers"]]
        given = next((value for name, value in scope["headers"] if name.lower() == SECRET_HEADER), b"")
        if not hmac.compare_digest(given, self._secret):
            await _refuse(send, 403, "This server answers the gateway only.")
        elif any(names.count(name) > 1 for name in _ONCE):
            await _refuse(send, 400, "A header that may stand once stands twice.")
        else:
            kept = [(name, value) for name, value in scope["headers"] if name.lower() != SECRET_HEADER]
            await self._app({**scope, "headers": kept}, receive, send)


async def _refuse(send: Send, status: int, detail: str) -> None:
    body = json.dumps(
        {"error_code": "PERMISSION_DENIED" if status == 403 else "BAD_REQUEST", "message": detail}
    ).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
