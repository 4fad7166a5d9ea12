"""EKS' API for Pod Identity associations as it is documented, over HTTP on loopback. Tests use the real client."""

from __future__ import annotations

import json
import secrets
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

_KIND = "pod-identity-associations"


@dataclass
class EksIdentity:
    """`start` and `stop`. `unknown_roles`: so many creations fail as for a role that IAM made a moment ago."""

    unknown_roles: int = 0
    throttled: int = 0
    """So many calls are refused as too many."""
    associations: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        handler = type("Handler", (_Handler,), {"state": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def start(self) -> EksIdentity:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: str, query: dict[str, str], body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and document of one call."""
        if self.throttled:
            self.throttled -= 1
            return 429, {"code": "ThrottlingException", "message": "Rate exceeded"}
        _, _, cluster, kind, *rest = path.split("/")
        assert kind == _KIND, path
        if not rest:
            return self._create(cluster, body) if method == "POST" else self._list(cluster, query)
        found = self.associations.get(rest[0])
        if found is None or found["clusterName"] != cluster:
            return 404, {"code": "ResourceNotFoundException", "message": f"association {rest[0]} not found"}
        if method == "DELETE":
            del self.associations[rest[0]]
        elif method == "POST":
            found["roleArn"] = body["roleArn"]
        return 200, {"association": found}

    def _create(self, cluster: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        place = (cluster, body["namespace"], body["serviceAccount"])
        for other in self.associations.values():
            if (other["clusterName"], other["namespace"], other["serviceAccount"]) == place:
                return 409, {"code": "ResourceInUseException", "message": "Association already exists"}
        if self.unknown_roles:
            self.unknown_roles -= 1
            return 400, {"code": "InvalidParameterException", "message": "Role provided in the request does not exist."}
        identity = f"a-{secrets.token_hex(8)}"
        self.associations[identity] = {
            "clusterName": cluster,
            "namespace": body["namespace"],
            "serviceAccount": body["serviceAccount"],
            "roleArn": body["roleArn"],
            "tags": body.get("tags", {}),
            "associationId": identity,
            "associationArn": f"arn:aws:eks:eu-central-1:111122223333:podidentityassociation/{cluster}/{identity}",
        }
        return 200, {"association": self.associations[identity]}

    def _list(self, cluster: str, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
        summary = ("clusterName", "namespace", "serviceAccount", "associationId", "associationArn")
        wanted = {"clusterName": cluster} | {k: v for k, v in query.items() if k in ("namespace", "serviceAccount")}
        found = [
            {name: each[name] for name in summary}
            for each in self.associations.values()
            if all(each[name] == value for name, value in wanted.items())
        ]
        return 200, {"associations": found}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: EksIdentity

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        status, document = self.state.answer(self.command, unquote(url.path), query, body)
        text = json.dumps(document).encode()
        self.send_response(status)
        if "code" in document:
            self.send_header("x-amzn-ErrorType", document["code"])
        if status == 429:
            self.send_header("Retry-After", "7")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_DELETE = _serve  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass
