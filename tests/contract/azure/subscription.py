"""A subscription of Azure on this machine: what its management API documents for the questions that are asked.

Over plain HTTP on loopback, for the SDK's own clients. It refuses what Azure refuses: requests without a token or an
API version, unknown things, and here also everything that would change something.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
TENANT = "00000000-0000-0000-0000-000000000000"
TOKEN = "header.payload.signature"

Body = dict[str, Any]
Answer = tuple[int, Body]


@dataclass
class Usage:
    """One quota."""

    used: int
    limit: int


@dataclass
class Subscription:
    """What the subscription holds; tests change it as people would."""

    state: str = "Enabled"
    tenant: str = TENANT
    permissions: list[Body] = field(default_factory=lambda: [{"actions": ["*"], "notActions": []}])
    group_permissions: list[Body] = field(default_factory=list)
    cores: dict[str, Usage] = field(
        default_factory=lambda: {
            "cores": Usage(10, 200),
            "lowPriorityCores": Usage(0, 200),
            "standardDSv5Family": Usage(0, 100),
            "Standard NCASv3_T4 Family": Usage(0, 64),
        }
    )
    network: dict[str, Usage] = field(default_factory=lambda: {"VirtualNetworks": Usage(3, 1000)})
    machines: list[Body] = field(default_factory=list)
    versions: list[Body] = field(default_factory=lambda: [{"version": "1.35"}, {"version": "1.36"}])
    databases: list[Body] = field(default_factory=lambda: [_databases()])
    unregistered: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)
    """Names that are in use somewhere in the world."""
    things: set[str] = field(default_factory=set)
    """Ids of resources and groups that are there, in lower case."""
    tagged: list[Body] = field(default_factory=list)
    """What Resource Graph finds."""
    prices: list[Body] = field(default_factory=list)
    page: int = 2
    """Rows on one page of whatever comes in pages."""
    refused: str = ""
    """End of the path of a question that the caller may not ask."""
    throttled: int = 0
    """Requests that are still refused with 429."""
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    """Method, path, query of every request, in order."""

    def answer(self, method: str, path: str, query: dict[str, str], body: Body) -> Answer:
        if method not in ("GET", "POST"):
            return 405, _error("MethodNotAllowed", "This subscription only answers questions.")
        if self.refused and path.endswith(self.refused):
            return 403, _error("AuthorizationFailed", f"The client does not have authorization to read {path}.")
        for pattern, reply in self._routes():
            found = re.fullmatch(pattern, path, re.IGNORECASE)
            if found:
                return reply(found, query, body)
        known = path.lower() in self.things
        return (200, {"id": path}) if known else (404, _error("ResourceNotFound", f"{path} was not found."))

    def _routes(self) -> tuple[tuple[str, Callable[[re.Match[str], dict[str, str], Body], Answer]], ...]:
        base = f"/subscriptions/{SUBSCRIPTION}"
        return (
            (base, lambda *_: (200, {"displayName": "Trial", "state": self.state, "tenantId": self.tenant})),
            (
                rf"{base}/providers/Microsoft\.Authorization/permissions",
                lambda *_: (200, {"value": self.permissions}),
            ),
            (
                rf"{base}/resourcegroups/[^/]+/providers/Microsoft\.Authorization/permissions",
                lambda *_: (200, {"value": self.group_permissions}),
            ),
            (
                rf"{base}/providers/Microsoft\.Compute/locations/westeurope/usages",
                lambda *_: (200, {"value": _usages(self.cores)}),
            ),
            (
                rf"{base}/providers/Microsoft\.Network/locations/westeurope/usages",
                lambda *_: (200, {"value": _usages(self.network)}),
            ),
            (rf"{base}/providers/Microsoft\.Compute/skus", self._skus),
            (
                rf"{base}/providers/Microsoft\.ContainerService/locations/westeurope/kubernetesVersions",
                lambda *_: (200, {"values": self.versions}),
            ),
            (
                rf"{base}/providers/Microsoft\.DBforPostgreSQL/locations/westeurope/capabilities",
                lambda *_: (200, {"value": self.databases}),
            ),
            (rf"{base}/providers/([^/]+)/checkNameAvailability", self._name),
            (rf"{base}/providers/([^/]+)", self._provider),
            (r"/providers/Microsoft\.ResourceGraph/resources", self._graph),
        )

    def _skus(self, _: re.Match[str], query: dict[str, str], __: Body) -> Answer:
        if query.get("$filter") != "location eq 'westeurope'":
            return 400, _error("InvalidFilter", "Only filters by location are taken.")
        return 200, {"value": self.machines}

    def _name(self, found: re.Match[str], _: dict[str, str], body: Body) -> Answer:
        if set(body) != {"name", "type"} or not body["type"].startswith(found[1]):
            return 400, _error("InvalidRequest", "name and type are required.")
        if body["name"] in self.taken:
            message = f"The name {body['name']} is already in use."
            return 200, {"nameAvailable": False, "reason": "AlreadyExists", "message": message}
        return 200, {"nameAvailable": True}

    def _provider(self, found: re.Match[str], _: dict[str, str], __: Body) -> Answer:
        state = "NotRegistered" if found[1] in self.unregistered else "Registered"
        return 200, {"namespace": found[1], "registrationState": state, "resourceTypes": []}

    def _graph(self, _: re.Match[str], __: dict[str, str], body: Body) -> Answer:
        installation = re.search(r"tags\['mlp-installation'\] == '([^']*)'", body["query"])
        if installation is None or body["subscriptions"] != [SUBSCRIPTION]:
            return 400, _error("BadRequest", "The query is invalid.")
        rows = [
            {"id": each["id"], "type": each["type"]} for each in self.tagged if each["installation"] == installation[1]
        ]
        start = int((body.get("options") or {}).get("$skipToken") or 0)
        shown = rows[start : start + self.page]
        after = start + self.page
        more = {"$skipToken": str(after)} if after < len(rows) else {}
        return 200, {"totalRecords": len(rows), "count": len(shown), "resultTruncated": "false", "data": shown, **more}

    def price_page(self, query: dict[str, str], server: str) -> Answer:
        """Lines for which every part of the filter holds."""
        wanted = re.findall(r"(\w+) eq '([^']*)'", query.get("$filter", ""))
        lines = [
            line for line in self.prices if all(str(line.get(_field(name), "")) == value for name, value in wanted)
        ]
        start = int(query.get("$skip", "0"))
        after = start + self.page
        link = f"{server}/api/retail/prices?$skip={after}" if after < len(lines) else None
        return 200, {"Items": lines[start:after], "NextPageLink": link}


def _databases() -> Body:
    skus = {"Burstable": ["Standard_B2s"], "GeneralPurpose": ["Standard_D2ds_v5", "Standard_D8ds_v5"]}
    return {
        "name": "FlexibleServerCapabilities",
        "supportedServerEditions": [
            {"name": edition, "supportedServerSkus": [{"name": name} for name in names]}
            for edition, names in skus.items()
        ],
        "supportedServerVersions": [{"name": "16"}, {"name": "17"}],
        "zoneRedundantHaSupported": "Enabled",
        "restricted": "Disabled",
    }


def _field(name: str) -> str:
    return "type" if name == "priceType" else name


def _usages(quotas: dict[str, Usage]) -> list[Body]:
    return [
        {
            "id": f"/usages/{name}",
            "unit": "Count",
            "currentValue": usage.used,
            "limit": usage.limit,
            "name": {"value": name, "localizedValue": name},
        }
        for name, usage in quotas.items()
    ]


def _error(code: str, message: str) -> Body:
    return {"error": {"code": code, "message": message}}


def machine(name: str, family: str, cores: int, zones: tuple[str, ...] = ("1", "2", "3")) -> Body:
    """A machine type as Azure lists it."""
    return {
        "resourceType": "virtualMachines",
        "name": name,
        "family": family,
        "locations": ["westeurope"],
        "locationInfo": [{"location": "westeurope", "zones": list(zones)}],
        "capabilities": [{"name": "vCPUs", "value": str(cores)}, {"name": "MemoryGB", "value": "16"}],
        "restrictions": [],
    }


@contextmanager
def served(subscription: Subscription) -> Iterator[str]:
    """Its URL while it answers."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self) -> None:
            parts = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else {}
            subscription.asked.append((self.command, parts.path, parts.query))
            status, answer = self._judge(parts.path, query, body)
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(data)))
            if status == 429:
                self.send_header("Retry-After", "0")
            self.end_headers()
            self.wfile.write(data)

        def _judge(self, path: str, query: dict[str, str], body: Body) -> Answer:
            if subscription.throttled > 0:
                subscription.throttled -= 1
                return 429, _error("TooManyRequests", "Slow down.")
            if path == "/api/retail/prices":
                if self.headers.get("Authorization"):
                    return 400, _error("BadRequest", "The price list takes no token.")
                return subscription.price_page(query, url)
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                return 401, _error("AuthenticationFailed", "Authentication failed.")
            if "api-version" not in query:
                return 400, _error("MissingApiVersionParameter", "The api-version query parameter is required.")
            return subscription.answer(self.command, path, query, body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            """Nothing."""

    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", Handler._handle)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield url
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
