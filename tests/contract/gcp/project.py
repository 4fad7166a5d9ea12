"""A project as Google's REST APIs show it: a server on loopback with the documented shapes, and a session to it.

The answers are what `Project` holds; every request is kept, so that tests see what was asked and with which token.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import google.auth.transport.requests
import google.oauth2.credentials

from infra.clouds.gcp.cloud import GcpCloud
from infra.clouds.gcp.session import Api
from infra.profile.model import Profile

TOKEN = "ya29.made-up-token"
SERVICES = (
    "artifactregistry",
    "cloudasset",
    "cloudbilling",
    "cloudresourcemanager",
    "compute",
    "container",
    "dns",
    "serviceusage",
    "storage",
)


@dataclass
class Asked:
    """One request."""

    method: str
    service: str
    path: str
    query: Mapping[str, list[str]]
    body: Any
    authorization: str


@dataclass
class Project:
    """What the APIs answer: (service, path) → document, or (status, document) for anything but 200.

    A list holds the answers of one request after the other; its last one stays.
    """

    answers: dict[tuple[str, str], Any] = field(default_factory=dict)
    denied: set[str] = field(default_factory=set)
    """Permissions that the caller lacks."""
    untestable: set[str] = field(default_factory=set)
    """Permissions that can't be asked about on projects."""
    off: set[str] = field(default_factory=set)
    """APIs that are switched off, such as `dns`."""
    asked: list[Asked] = field(default_factory=list)

    def answer(self, asked: Asked) -> tuple[int, Any]:
        if asked.service in self.off:
            return 403, disabled(asked.service)
        if asked.path.endswith(":testIamPermissions"):
            wanted = asked.body["permissions"]
            if len(wanted) > 100:
                return 400, error(400, "INVALID_ARGUMENT", "a request may name 100 permissions")
            if odd := self.untestable & set(wanted):
                return 400, error(400, "INVALID_ARGUMENT", f"Permission {min(odd)} is not valid for this resource.")
            return 200, {"permissions": [each for each in wanted if each not in self.denied]}
        if asked.path.endswith("/services:batchGet"):
            return 200, {"services": [self._service(name) for name in asked.query["names"]]}
        found = self.answers.get((asked.service, asked.path))
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        if found is None:
            return 404, error(404, "NOT_FOUND", f"{asked.path} was not found")
        return found if isinstance(found, tuple) else (200, found)

    def _service(self, name: str) -> dict[str, str]:
        off = name.rpartition("/")[2].partition(".")[0] in self.off
        return {"name": name, "parent": "projects/123456789012", "state": "DISABLED" if off else "ENABLED"}


def error(code: int, status: str, message: str, **more: Any) -> dict[str, Any]:
    """Google's shape of an error."""
    return {"error": {"code": code, "message": message, "status": status, **more}}


def disabled(service: str) -> dict[str, Any]:
    """What an API says that is switched off."""
    return error(
        403,
        "PERMISSION_DENIED",
        f"{service} API has not been used in project 123456789012 before or it is disabled.",
        details=[
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "SERVICE_DISABLED",
                "domain": "googleapis.com",
                "metadata": {"service": f"{service}.googleapis.com"},
            }
        ],
    )


def machine(name: str, cpus: int) -> dict[str, Any]:
    """A machine type."""
    return {"kind": "compute#machineType", "name": name, "guestCpus": cpus, "memoryMb": cpus * 4096}


def quota(metric: str, limit: float, usage: float = 0) -> dict[str, Any]:
    """A region's quota."""
    return {"metric": metric, "limit": limit, "usage": usage}


def healthy(project: str = "my-project", region: str = "europe-west4") -> Project:
    """A project that has room for a small installation."""
    compute = f"/compute/v1/projects/{project}"
    quotas = [quota("CPUS", 200, 4), quota("SSD_TOTAL_GB", 4096), quota("INSTANCES", 200), quota("IN_USE_ADDRESSES", 8)]
    answers: dict[tuple[str, str], Any] = {
        ("cloudresourcemanager", f"/v3/projects/{project}"): {
            "name": "projects/123456789012",
            "projectId": project,
            "state": "ACTIVE",
        },
        ("compute", f"{compute}/regions/{region}"): {"name": region, "status": "UP", "quotas": quotas},
        ("container", f"/v1/projects/{project}/locations/{region}/serverConfig"): {
            "defaultClusterVersion": "1.35.2-gke.100",
            "validMasterVersions": ["1.36.3-gke.500", "1.35.2-gke.100"],
            "channels": [
                {"channel": "REGULAR", "defaultVersion": "1.36.3-gke.500", "validVersions": ["1.36.3-gke.500"]},
                {"channel": "STABLE", "defaultVersion": "1.35.2-gke.100", "validVersions": ["1.35.2-gke.100"]},
            ],
        },
        ("container", f"/v1/projects/{project}/locations/-/clusters"): {},
    }
    for zone in (f"{region}-{letter}" for letter in "abc"):
        answers["compute", f"{compute}/zones/{zone}"] = {"name": zone, "status": "UP"}
        answers["compute", f"{compute}/zones/{zone}/machineTypes/e2-standard-4"] = machine("e2-standard-4", 4)
    return Project(answers)


@contextmanager
def serve(project: Project, profile: Profile) -> Iterator[GcpCloud]:
    """The cloud behind a real session of google-auth's, with a token that works."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(None)

        def do_POST(self) -> None:
            self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _answer(self, body: Any) -> None:
            parts = urlsplit(self.path)
            _, service, rest = parts.path.split("/", 2)
            asked = Asked(
                self.command, service, f"/{rest}", parse_qs(parts.query), body, self.headers.get("Authorization", "")
            )
            project.asked.append(asked)
            status, document = project.answer(asked)
            content = document if isinstance(document, bytes) else json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=UTF-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    session = google.auth.transport.requests.AuthorizedSession(google.oauth2.credentials.Credentials(TOKEN))
    bases = {service: f"http://127.0.0.1:{server.server_port}/{service}" for service in SERVICES}
    try:
        yield GcpCloud(Api(session, bases, sleep=lambda _: None), profile)
    finally:
        session.close()
        server.shutdown()
        server.server_close()
