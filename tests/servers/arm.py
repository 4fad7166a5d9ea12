"""Azure Resource Manager as it is documented, for identities, role assignments and containers; HTTPS on loopback."""

from __future__ import annotations

import json
import re
import ssl
import threading
import uuid
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from infra.installation.home import Home
from infra.installation.pki import gateway_certificate

Answer = tuple[int, dict[str, Any]]
_ASSIGNMENTS = "/providers/Microsoft.Authorization/roleAssignments"
_IDENTITIES = "/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
_CONTAINERS = "/blobServices/default/containers/"
_READ, _WRITE, _DELETE = "read", "write", "delete"
_VERBS = {"GET": _READ, "PUT": _WRITE, "PATCH": _WRITE, "DELETE": _DELETE}


@dataclass
class Arm:
    """`start` and `stop`. Resources are kept by their id."""

    folder: Path
    resources: dict[str, dict[str, Any]] = field(default_factory=dict)
    actions: set[str] = field(default_factory=set)
    """Every right that was made use of."""
    throttled: int = 0
    """So many calls are refused as too many."""
    unknown_principals: int = 0
    """So many assignments fail as for an identity that Entra ID does not know yet."""
    unknown_parents: int = 0
    """So many calls below an identity fail as if it were not there."""
    being_deleted: int = 0
    """So many creations of a container fail since the one of that name is still on its way out."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        home = Home("arm", self.folder)
        home.create()
        home.pki.mkdir(exist_ok=True)
        gateway_certificate(home, ("127.0.0.1",))
        self.ca = home.pki / "ca.crt"
        handler = type("Handler", (_Handler,), {"state": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(home.pki / "gateway.crt", home.pki / "gateway.key")
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self._server.server_port}"

    def start(self) -> Arm:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Resources of a kind, such as `containers`: the last but one part of their ids."""
        return [found for key, found in self.resources.items() if key.split("/")[-2].lower() == kind.lower()]

    def answer(self, method: str, path: str, query: dict[str, str], body: dict[str, Any]) -> Answer:
        """Status and document of one call; calls come one at a time."""
        with self._lock:
            if self.throttled:
                self.throttled -= 1
                return _error(429, "TooManyRequests", "The request is being throttled.")
            self._note(method, path)
            if _ASSIGNMENTS in path:
                return self._assignments(method, path, query, body)
            if _CONTAINERS in path:
                return self._containers(method, path, body)
            return self._identities(method, path, body)

    def _note(self, method: str, path: str) -> None:
        provider, *parts = path.rpartition("/providers/")[2].split("/")
        self.actions.add("/".join([provider, *(p for p in parts[::2]), _VERBS[method]]))

    def _assignments(self, method: str, path: str, query: dict[str, str], body: dict[str, Any]) -> Answer:
        scope, _, name = path.partition(_ASSIGNMENTS)
        if method == "GET":
            assert query["$filter"] == "atScope()"
            above = [
                a for a in self.of("roleAssignments") if scope.lower().startswith(a["properties"]["scope"].lower())
            ]
            return 200, {"value": above}
        if method == "DELETE":
            found = self.resources.pop(path, None)
            return (200, found) if found else (204, {})
        wanted = body["properties"]
        if self.unknown_principals:
            self.unknown_principals -= 1
            return _error(
                400, "PrincipalNotFound", f"Principal {wanted['principalId']} does not exist in the directory"
            )
        same = [a for a in self.of("roleAssignments") if a["properties"] == {**wanted, "scope": scope}]
        if same or path in self.resources:
            return _error(409, "RoleAssignmentExists", "The role assignment already exists.")
        made = {"id": path, "name": name.strip("/"), "properties": {**wanted, "scope": scope}}
        self.resources[path] = made
        return 201, made

    def _containers(self, method: str, path: str, body: dict[str, Any]) -> Answer:
        found = self.resources.get(path)
        if method == "PUT":
            if self.being_deleted:
                self.being_deleted -= 1
                return _error(409, "ContainerBeingDeleted", "The specified container is being deleted.")
            if found is not None:
                return 200, found
            self.resources[path] = {"id": path, "name": path.rpartition("/")[2], "properties": body["properties"]}
            return 201, self.resources[path]
        if method == "DELETE":
            return (200, {}) if self.resources.pop(path, None) else (204, {})
        if found is None:
            return _error(404, "ContainerNotFound", "The specified container does not exist.")
        if method == "PATCH":
            found["properties"].update(body["properties"])
        return 200, found

    def _identities(self, method: str, path: str, body: dict[str, Any]) -> Answer:
        if match := re.fullmatch(rf"(.+{_IDENTITIES}/[^/]+)/federatedIdentityCredentials(?:/([^/]+))?", path):
            return self._credentials(method, path, match[1], match[2], body)
        if path.endswith(_IDENTITIES):
            return 200, {"value": [each for each in self.of("userAssignedIdentities") if each["id"].startswith(path)]}
        found = self.resources.get(path)
        if method == "PUT":
            known = found or {"properties": {"clientId": str(uuid.uuid4()), "principalId": str(uuid.uuid4())}}
            self.resources[path] = {**known, "id": path, "name": path.rpartition("/")[2], **body}
            return (200 if found else 201), self.resources[path]
        if method == "DELETE":
            # Its credentials go with it, its role assignments do not.
            for key in [key for key in self.resources if key == path or key.startswith(f"{path}/")]:
                del self.resources[key]
            return (200 if found else 204), {}
        return (200, found) if found else _error(404, "ResourceNotFound", f"The Resource '{path}' was not found.")

    def _credentials(self, method: str, path: str, parent: str, name: str | None, body: dict[str, Any]) -> Answer:
        if parent not in self.resources or self.unknown_parents:
            self.unknown_parents = max(0, self.unknown_parents - 1)
            return _error(404, "ParentResourceNotFound", "Parent resource not found.")
        if name is None:
            mine = [each for each in self.of("federatedIdentityCredentials") if each["id"].startswith(f"{parent}/")]
            return 200, {"value": mine}
        found = self.resources.get(path)
        if method == "PUT":
            self.resources[path] = {"id": path, "name": name, **body}
            return (200 if found else 201), self.resources[path]
        if method == "DELETE":
            return (200, {}) if self.resources.pop(path, None) else (204, {})
        return (200, found) if found else _error(404, "ResourceNotFound", f"The Resource '{path}' was not found.")


def _error(status: int, code: str, message: str) -> Answer:
    return status, {"error": {"code": code, "message": message}}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: Arm

    def _serve(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if not (self.headers.get("Authorization") or "").startswith("Bearer ") or "api-version" not in query:
            status, document = _error(401, "AuthenticationFailed", "Authentication failed.")
        else:
            status, document = self.state.answer(self.command, unquote(url.path).replace("//", "/"), query, body)
        text = b"" if status == 204 else json.dumps(document).encode()
        self.send_response(status)
        if status == 429:
            self.send_header("Retry-After", "13")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass
