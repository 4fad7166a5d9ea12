"""People who want more at the Kubernetes API than is theirs, and tokens in the wrong hands."""

from __future__ import annotations

import base64
import copy
import http.client
import json
import secrets
import socket
import ssl
import struct
from typing import Any
from urllib.parse import urlsplit

import pytest

from components.isolation.people import people_rules
from components.names import PEOPLE_CLUSTER_ROLE, PEOPLE_SERVICE_ACCOUNT, SYSTEM_NAMESPACE
from controlplane.gate.ports import Minted
from controlplane.kube.errors import Forbidden
from tests.contract.controlplane.test_sessions import Browser
from tests.contract.people.conftest import Front
from tests.contract.reconcile.world import Actor, until
from tests.servers.facts import PUBLIC_URL
from tests.servers.gateway import hop_secret, program
from tests.servers.kubernetes import KubernetesRequestFailed

pytestmark = [
    pytest.mark.contract,
    pytest.mark.timeout(180),
    pytest.mark.skipif(program() is None, reason="nginx is missing: `platform tools --for tests` unpacks it"),
]
APPLY = "application/apply-patch+yaml"
RBAC = "/apis/rbac.authorization.k8s.io/v1"

SPOOFED = [
    ("Impersonate-User", "system:admin"),
    ("impersonate-user", "system:admin"),
    ("IMPERSONATE-USER", "system:admin"),
    ("Impersonate_User", "system:admin"),
    ("Impersonate-Group", "system:masters"),
    ("Impersonate-Uid", "0"),
    ("Impersonate-Extra-mlp.io%2faccount", "root"),
    ("Impersonate-Extra-scopes", "all"),
    ("X-Remote-User", "system:admin"),
    ("X-Remote-Group", "system:masters"),
    ("X-Remote-Groups", "system:masters"),
    ("X-Mlp-Kubernetes-Group-1", "system:masters"),
    ("X-Mlp-Kubernetes-Group-2", "system:masters"),
    ("X-Mlp-Kubernetes-Account", "root"),
    ("X-Mlp-Kubernetes-Authorization", "Bearer stolen"),
    ("X-Original-URI", "/kubernetes/api"),
    ("Connection", "Impersonate-User"),
    ("Connection", "close, Authorization"),
]


def test_identity_headers_of_clients_end_at_the_gateway(front: Front) -> None:
    token = front.system.token("vi")
    plain = front.who(token)
    for name, value in SPOOFED:
        assert front.who(token, [(name, value), (name, value)]) == plain, name


def test_a_second_authorization_is_no_way_in(front: Front) -> None:
    vi = front.system.token("vi")
    admin = front.world.server.service_account_token(SYSTEM_NAMESPACE, PEOPLE_SERVICE_ACCOUNT)
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    code, _ = front.ask(vi, "POST", path, review, headers=[("Authorization", f"Bearer {admin}")])
    assert code == 400, "nginx refuses a repeated Authorization"
    assert front.ask("", "POST", path, review, headers=[("Authorization", f"Bearer {admin}")])[0] == 403


TRICKS = [
    "/kubernetes/../kubernetes/api/v1/namespaces/{foreign}/pods",
    "/kubernetes/./api/v1/namespaces/{foreign}/pods",
    "/kubernetes//api/v1/namespaces/{foreign}/pods",
    "//kubernetes/api/v1/namespaces/{foreign}/pods",
    "/x/../kubernetes/api/v1/namespaces/{foreign}/pods",
    "/mlflow/../kubernetes/api/v1/namespaces/{foreign}/pods",
    "/%6bubernetes/api/v1/namespaces/{foreign}/pods",
    "/kubernetes/api/v1/namespaces/{own}/../{foreign}/pods",
    "/kubernetes/api/v1/namespaces/{own}/%2e%2e/{foreign}/pods",
    "/kubernetes/api/v1/namespaces/{own}/%2E%2E/{foreign}/pods",
    "/kubernetes/api/v1/namespaces/{own}/.%2e/{foreign}/pods",
    "/kubernetes/api/v1/namespaces/{own}%2f..%2f{foreign}/pods",
    "/kubernetes/api/v1/namespaces/{own}/%252e%252e/{foreign}/pods",
    "/kubernetes/api/v1/namespaces/{own}\\..\\{foreign}/pods",
    "/kubernetes/api/v1/namespaces/{own}%5c..%5c{foreign}/pods",
    "/kubernetes/api/v1/namespaces/{own}/pods%00",
    "/kubernetes/api/v1/namespaces/{own}/pods%0a",
    "/kubernetes/api/v1/namespaces//{foreign}/pods",
    "/kubernetes/api/v1/namespaces/{own}/pods/..",
    "/kubernetes/api/v1/namespaces/{foreign}/pods#/{own}",
    "/kubernetes/api/v1/watch/namespaces/{foreign}/pods",
    "/kubernetes/api/v1/namespaces/{foreign}/pods?namespace={own}",
    "/kubernetes/api/v1/namespaces/{foreign}/pods;x={own}",
    "/kubernetes/api/v1/proxy/namespaces/{foreign}/services/x",
    "/kubernetes/api/v1/nodes/x/proxy/",
    "/kubernetes/api/v1/namespaces/{own}/services/https:x:1/proxy/",
    "/kubernetes/api/v1/namespaces/{own}/pods/x/proxy/",
    "/kubernetes/metrics",
    "/kubernetes/logs/",
    "/kubernetes/debug/pprof/",
]


def test_tricks_with_paths_lead_nowhere(front: Front) -> None:
    mo = front.system.token("mo")
    for path in TRICKS:
        answer, text = front.send(mo, "GET", path.format(own=front.namespace, foreign=front.foreign))
        assert answer.status in (400, 403, 404), (path, text)
        assert b'"items"' not in text, path


def test_nobody_sees_the_token_of_the_account(front: Front) -> None:
    ours = front.tokens.token()
    mo = front.system.token("mo")
    for token, path in (
        (mo, "/kubernetes/version"), (mo, f"/kubernetes/api/v1/namespaces/{front.foreign}/pods"),
        (mo, "/kubernetes/api/v1/nodes/x/proxy"), (mo, "/kubernetes/a/../b"), ("", "/kubernetes/version"),
        (mo, "/internal/authorize"), (mo, "/_authorize"), (mo, "/kubernetes"),
    ):  # fmt: skip
        answer, text = front.send(token, "GET", path)
        said = str(answer.headers.items()) + text.decode(errors="replace")
        assert ours not in said
        assert "X-Mlp" not in said
        assert "X-Remote" not in said
    for log in ("access.log", "stderr.log"):
        written = (front.gateway.folder / log).read_text()
        assert ours not in written
        assert mo not in written
        assert hop_secret("control-plane") not in written
    assert '"caller":"user:mo"' in (front.gateway.folder / "access.log").read_text()


def test_answers_are_no_pages(front: Front) -> None:
    """What pods wrote is shown on the console's origin."""
    answer, _ = front.send(front.system.token("mo"), "GET", "/kubernetes/version")
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def _direct(front: Front, headers: dict[str, str], method: str, path: str, body: Any = None) -> int:
    """Status of a call to the API server itself with the account's token, as of somebody who has stolen it."""
    address = urlsplit(front.world.server.url)
    context = ssl.create_default_context(cafile=str(front.world.server.ca_file))
    assert address.hostname
    connection = http.client.HTTPSConnection(address.hostname, address.port, context=context, timeout=20)
    try:
        token = front.tokens.token()
        sent = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **headers}
        connection.request(method, path, None if body is None else json.dumps(body), sent)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def test_a_stolen_token_speaks_for_people_of_tenants_only(front: Front) -> None:
    person = {"Impersonate-User": "mlp:person"}
    pods = f"/api/v1/namespaces/{front.namespace}/pods"
    member = {**person, "Impersonate-Group": f"tenant:{front.tenant}:member"}
    assert _direct(front, member, "GET", pods) == 200, "this is what it is for"
    for wrong in (
        {},
        {"Impersonate-User": "system:admin"},
        {"Impersonate-User": "mlp:person2"},
        {"Impersonate-User": f"system:serviceaccount:{SYSTEM_NAMESPACE}:control-plane"},
        {"Impersonate-User": "system:kube-controller-manager"},
        {"Impersonate-User": "system:anonymous"},
        {**person, "Impersonate-Group": "system:masters"},
        {**person, "Impersonate-Group": "platform:admin"},
        {**person, "Impersonate-Group": "tenant:nobody:admin"},
        {**person, "Impersonate-Group": f"tenant:{front.tenant}:owner"},
        {**member, "Impersonate-Uid": "0"},
        {**member, "Impersonate-Extra-authentication.kubernetes.io%2fcredential-id": "x"},
        {"Impersonate-Group": f"tenant:{front.tenant}:member"},
    ):
        assert _direct(front, wrong, "GET", pods) in (400, 403, 500), wrong
    for path in ("/api/v1/secrets", "/api/v1/namespaces", f"{RBAC}/clusterroles/{PEOPLE_CLUSTER_ROLE}"):
        assert _direct(front, {}, "GET", path) == 403, path
    token = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    mint = "/api/v1/namespaces/{}/serviceaccounts/{}/token"
    assert _direct(front, {}, "POST", mint.format(SYSTEM_NAMESPACE, PEOPLE_SERVICE_ACCOUNT), token) == 403
    web = Actor("web", front.world.web)
    assert web.attempt("POST", mint.format(SYSTEM_NAMESPACE, "control-plane"), token).code == 403
    assert web.attempt("POST", mint.format(front.namespace, "workload"), token).code == 403
    assert web.attempt("GET", f"{RBAC}/clusterroles").code == 403
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    as_person = front.world.web.transport.request
    with pytest.raises(Forbidden, match="cannot impersonate"):
        as_person(
            "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", counter=front.world.web.counter, body=review,
            headers=person,
        )  # fmt: skip


def _role(rules: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    kind = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole"}
    return {**kind, "metadata": {"name": PEOPLE_CLUSTER_ROLE}, "rules": rules, **more}


def _with(rule: int, **changes: Any) -> dict[str, Any]:
    rules = copy.deepcopy(people_rules(["acme"]))
    rules[rule] |= changes
    return _role(rules)


WRONG_ROLES = {
    "everything": _role([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]),
    "another verb": _with(0, verbs=["impersonate", "get"]),
    "any verb": _with(0, verbs=["*"]),
    "another user": _with(0, resourceNames=["mlp:person", "system:admin"]),
    "any user": _with(0, resourceNames=[]),
    "masters": _with(2, resourceNames=["tenant:acme:admin", "system:masters"]),
    "any group": _with(2, resourceNames=[]),
    "a look-alike": _with(2, resourceNames=["tenant:acme:admin\nsystem:masters"]),
    "another role": _with(2, resourceNames=["tenant:acme:owner"]),
    "service accounts": _with(2, resources=["serviceaccounts"]),
    "groups and more": _with(2, resources=["groups", "uids"]),
    "another extra": _with(1, resources=["userextras/scopes"]),
    "any extra": _with(1, resources=["userextras"]),
    "secrets": _role([{"apiGroups": [""], "resources": ["secrets"], "verbs": ["impersonate"]}]),
    "an address": _role([{"nonResourceURLs": ["/metrics"], "verbs": ["impersonate"]}]),
    "aggregation": _role([], aggregationRule={"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}),
}


def test_the_role_that_speaks_for_people_cannot_be_made_to_hold_more(front: Front) -> None:
    path = f"{RBAC}/clusterroles/{PEOPLE_CLUSTER_ROLE}"
    for actor in (Actor("control plane", front.world.control_plane), Actor("administrator", front.world.admin)):
        for name, role in WRONG_ROLES.items():
            answer = actor.attempt("PATCH", path, role, APPLY, fieldManager="attack", force="true")
            assert answer.code in (403, 422), f"{actor.name}, {name}: {answer.code}"
            assert answer.code == 422 or "(rule: people)" in answer.message, answer.message


def test_the_control_plane_writes_no_other_role(front: Front) -> None:
    actor = Actor("control plane", front.world.control_plane)
    rules = people_rules(["acme"])
    for name in ("cluster-admin", "mlp-tenant-view", "mlp-control-plane", "mlp-people-2"):
        role = _role(rules)
        role["metadata"] = {"name": name}
        assert actor.attempt("PATCH", f"{RBAC}/clusterroles/{name}", role, APPLY, fieldManager="x").code == 403, name
        assert actor.attempt("POST", f"{RBAC}/clusterroles", role).code == 403, name
    for path in (f"{RBAC}/clusterrolebindings", f"{RBAC}/clusterroles"):
        assert actor.attempt("GET", path).code == 403
    assert actor.attempt("DELETE", f"{RBAC}/clusterroles/{PEOPLE_CLUSTER_ROLE}").code == 403


def test_a_removed_role_is_made_again(front: Front) -> None:
    front.world.server.request("DELETE", f"{RBAC}/clusterroles/{PEOPLE_CLUSTER_ROLE}")
    pods = f"/api/v1/namespaces/{front.namespace}/pods"
    mo = front.system.token("mo")
    until("nobody can be spoken for", lambda: front.ask(mo, "GET", pods)[0] == 403)
    assert front.people.keep()
    front.settle(front.tenant)
    assert front.ask(mo, "GET", pods)[0] == 200


class _Minter:
    """Gives what it has, or fails where that is an error."""

    def __init__(self, has: str | Exception) -> None:
        self.has = has

    def mint(self) -> Minted:
        if isinstance(self.has, Exception):
            raise self.has
        return Minted(self.has, 600)


def test_without_a_token_for_people_nobody_is_let_through(front: Front) -> None:
    mo = front.system.token("mo")
    assert front.ask(mo, "GET", "/version")[0] == 200
    for has in (Forbidden("no rights"), "not-a-token", ""):
        front.tokens._minter, front.tokens._made = _Minter(has), None
        code, answer = front.ask(mo, "GET", "/version")
        assert code in (401, 403, 503)
        assert answer["kind"] == "Status"


def test_a_session_serves_our_own_pages_only(front: Front) -> None:
    own = front.system.runtime.settings.public_url
    browser = Browser(front.system)
    browser.headers["Origin"] = own
    browser.headers["X-Mlp-Gateway-Secret"] = hop_secret("control-plane")
    browser.sign_in("mo")
    cookie = ("Cookie", f"__Host-mlp_session={browser.cookie}")
    path = f"/kubernetes/api/v1/namespaces/{front.namespace}/pods"

    def ask(*headers: tuple[str, str], to: str = path, method: str = "GET") -> int:
        return front.send("", method, to, headers=[cookie, *headers])[0].status

    assert ask(("Sec-Fetch-Site", "same-origin")) == 200
    assert ask(("Origin", own)) == 200
    assert ask() == 403, "a page of another server can ask by GET too, and a shell opens by GET"
    for site in ("cross-site", "same-site", "none"):
        assert ask(("Sec-Fetch-Site", site)) == 403, site
    for origin in ("https://evil.example", "null", "https://notebook.localhost:8443", PUBLIC_URL):
        assert ask(("Origin", origin)) == 403, origin
        assert ask(("Origin", origin), ("Upgrade", "websocket"), ("Connection", "Upgrade")) == 403, origin
    assert ask(("Origin", "https://evil.example"), method="DELETE") == 403


class _WebSocket:
    """The client's side of one, as far as reading needs it."""

    def __init__(self, front: Front, path: str, *headers: str) -> None:
        raw = socket.create_connection(("localhost", front.gateway.port), timeout=20)
        self._socket = front.gateway.context.wrap_socket(raw, server_hostname="localhost")
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        lines = [
            f"GET {path} HTTP/1.1", f"Host: localhost:{front.gateway.port}", "Connection: Upgrade",
            "Upgrade: websocket", f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13",
            f"Origin: https://localhost:{front.gateway.port}", *headers, "", "",
        ]  # fmt: skip
        self._socket.sendall("\r\n".join(lines).encode())
        self._file = self._socket.makefile("rb")
        self.status = int(self._file.readline().split()[1])
        self.headers: dict[str, str] = {}
        while line := self._file.readline().decode().strip():
            name, _, value = line.partition(": ")
            self.headers[name.lower()] = value

    def frame(self) -> bytes:
        _, length = self._file.read(2)
        if length == 126:
            (length,) = struct.unpack(">H", self._file.read(2))
        return self._file.read(length)

    def close(self) -> None:
        self._file.close()
        self._socket.close()


def test_connections_are_upgraded(front: Front) -> None:
    mo = front.system.token("mo")
    path = f"/kubernetes/api/v1/namespaces/{front.namespace}/configmaps?watch=true"
    stream = _WebSocket(front, path, f"Authorization: Bearer {mo}")
    assert stream.status == 101
    assert json.loads(stream.frame())["type"] == "ADDED"
    stream.close()


def test_a_token_hidden_in_a_subprotocol_goes_no_further(front: Front) -> None:
    admin = front.world.server.service_account_token(SYSTEM_NAMESPACE, PEOPLE_SERVICE_ACCOUNT)
    hidden = base64.urlsafe_b64encode(admin.encode()).decode().rstrip("=")
    path = f"/kubernetes/api/v1/namespaces/{front.namespace}/configmaps?watch=true"
    protocols = f"Sec-WebSocket-Protocol: base64url.bearer.authorization.k8s.io.{hidden}, binary.k8s.io"
    alone = _WebSocket(front, path, protocols)
    assert alone.status == 401
    alone.close()
    beside = _WebSocket(front, path, protocols, f"Authorization: Bearer {front.system.token('vi')}")
    assert "sec-websocket-protocol" not in beside.headers
    beside.close()


def test_large_objects_and_streams_without_end_are_refused(front: Front) -> None:
    mo = front.system.token("mo")
    body = {"kind": "ConfigMap", "data": {"x": "y" * (5 * 1024 * 1024)}}
    code, answer = front.ask(mo, "POST", f"/api/v1/namespaces/{front.namespace}/configmaps", body)
    assert (code, answer["reason"]) == (413, "RequestEntityTooLarge")


def test_administrators_keep_their_own_way(front: Front) -> None:
    """Nothing here is in the way of the cluster's own credentials."""
    assert front.world.server.request("GET", "/api/v1/nodes")["kind"] == "NodeList"
    with pytest.raises(KubernetesRequestFailed):
        front.world.server.request("GET", "/api/v1/nodes", token="mlp_nobody")
