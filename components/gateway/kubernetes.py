"""Locations of the Kubernetes API below /kubernetes, for people with their platform identity. Pure.

The control plane's answer brings a token of the account that speaks for people, and the caller's groups; the call goes
on with that token as PERSON_USER in these groups. No header of the client that says who calls, in any spelling, and no
token of its goes further than this.
"""

from __future__ import annotations

from urllib.parse import quote

from components.gateway.names import (
    KUBERNETES_ACCOUNT,
    KUBERNETES_AUTHORIZATION,
    KUBERNETES_GROUP,
    KUBERNETES_GROUPS,
    KUBERNETES_PATH,
)
from components.gateway.nginx import Directive, block, d
from components.gateway.parts import sent
from components.gateway.plan import GatewayPlan
from components.names import ACCOUNT_EXTRA, PERSON_USER

KUBERNETES_HEADERS = (
    "Accept",
    "Accept-Encoding",
    "Content-Encoding",
    "Content-Type",
    "If-Modified-Since",
    "If-None-Match",
    "Sec-WebSocket-Extensions",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Version",
    "Upgrade",
    "User-Agent",
    "X-Stream-Protocol-Version",
)
"""No Cookie, no Audit-ID, no Origin; Sec-WebSocket-Protocol passes apart, since it can carry a token."""

NAME = "kubernetes.default.svc"
"""In the API server's certificate on every cluster: pods reach it by this name."""
_UPSTREAM = "kubernetes_api"
_MAX_BODY_MB = 4
"""The API server takes 3 MiB."""
_LONGEST_SILENCE = "14400s"
"""Of a watch, a log or a shell: what kubelets end streams after. The API server ends watches itself, long before."""

_REFUSALS = {
    "token-scope": "this token lacks the scope kubernetes; make one that has it: platform token create",
    "tenant-suspended": "the tenant is suspended; a platform administrator can resume it",
    "workspace-suspended": "the workspace is suspended; an admin of its tenant can resume it",
    "workspace-deleting": "the workspace is being deleted",
    "no-tenant": "this account belongs to no tenant; the administrator of the cluster has a kubeconfig of their own",
    "too-many-tenants": "this account belongs to more tenants than one call can name; use a token for one tenant: "
    "platform token create --tenant TENANT",
    "path": "the path is not written plainly; leave out empty and dotted parts and needless escapes",
    "pod": "pods reach the API server themselves, at https://kubernetes.default.svc",
    "cross-site": "a call with a session must come from the platform's own pages; programs use a platform token",
}
"""What people are told, by the control plane's reason."""


def outside() -> list[Directive]:
    """What the locations need outside of the server: what is read from the call, and words for refusals."""
    texts = [d(reason, text) for reason, text in _REFUSALS.items()]
    return [
        block(
            "map",
            "$http_upgrade",
            "$kubernetes_connection",
            body=[d("default", "upgrade"), d("", "")],
        ),
        # Some of the API server's sockets want an origin, some their own. Where a page comes from was judged before.
        block(
            "map",
            "$http_upgrade",
            "$kubernetes_origin",
            body=[d("default", f"https://{NAME}"), d("", "")],
        ),
        # A token can hide among a browser's subprotocols. Then none of them goes on.
        block(
            "map",
            "$http_sec_websocket_protocol",
            "$kubernetes_protocol",
            body=[d("default", "$http_sec_websocket_protocol"), d("~*base64url\\.bearer", "")],
        ),
        block(
            "map",
            "$kubernetes_refusal",
            "$kubernetes_refusal_text",
            body=[d("default", "this account may not do this"), *texts],
        ),
    ]


def upstream(address: str) -> Directive:
    """Connections to the API server are kept: a TLS handshake for each call would take longer than most calls.

    Its name is looked up when nginx starts; the address of service `kubernetes` stays for the cluster's life.
    """
    return block(
        "upstream",
        _UPSTREAM,
        body=[d("server", address), d("keepalive", 32), d("keepalive_timeout", "60s")],
    )


def locations(plan: GatewayPlan, strict: list[Directive]) -> list[Directive]:
    """`strict`: headers that every answer bears."""
    # What pods wrote may be among the answers, on the console's origin: it is shown as text, and nothing of it runs.
    safe = [
        *strict,
        d("add_header", "Content-Security-Policy", "sandbox; default-src 'none'", "always"),
        d("add_header", "X-Content-Type-Options", "nosniff", "always"),
    ]
    return [
        *(d("set", f"$kubernetes_{name}", "") for name in ("authorization", "account", "refusal")),
        *(d("set", f"$kubernetes_group_{number}", "") for number in _numbers()),
        block("location", "=", KUBERNETES_PATH, body=[d("return", 308, f"{KUBERNETES_PATH}/")]),
        block(
            "location",
            "^~",
            f"{KUBERNETES_PATH}/",
            body=[
                # The control plane judges the path as it was sent; it must be the one that this location was chosen by.
                block("if", "($request_uri", "!~", f"^{KUBERNETES_PATH}/)", body=[d("return", 400)]),
                block("if", "($foreign_change)", body=[d("return", 418)]),
                *_answers(),
                *_asked(),
                *safe,
                d("proxy_hide_header", "X-Content-Type-Options"),  # once is enough
                d("rewrite", f"^{KUBERNETES_PATH}(/.*)$", "$1", "break"),
                d("proxy_pass", f"https://{_UPSTREAM}"),
                *_trust(plan),
                *sent(KUBERNETES_HEADERS, NAME),
                *_identity(),
                d("proxy_set_header", "Connection", "$kubernetes_connection"),
                d("proxy_set_header", "Origin", "$kubernetes_origin"),
                d("proxy_set_header", "Sec-WebSocket-Protocol", "$kubernetes_protocol"),
                d("client_max_body_size", f"{_MAX_BODY_MB}m"),
                d("proxy_buffering", "off"),
                d("proxy_read_timeout", _LONGEST_SILENCE),
                d("proxy_send_timeout", "300s"),
                d("send_timeout", "300s"),
            ],
        ),
        *_words(safe),
    ]


def _numbers() -> range:
    return range(1, KUBERNETES_GROUPS + 1)


def _variable(header: str) -> str:
    return f"$upstream_http_{header.lower().replace('-', '_')}"


def _asked() -> list[Directive]:
    """The control plane is asked, and what it answers is kept."""
    answers = {
        "$remote_user_name": "X-Remote-User",
        "$kubernetes_refusal": "X-Mlp-Reason",
        "$kubernetes_authorization": KUBERNETES_AUTHORIZATION,
        "$kubernetes_account": KUBERNETES_ACCOUNT,
    } | {f"$kubernetes_group_{number}": f"{KUBERNETES_GROUP}-{number}" for number in _numbers()}
    return [
        d("auth_request", "/_authorize"),
        *(d("auth_request_set", variable, _variable(header)) for variable, header in answers.items()),
    ]


def _identity() -> list[Directive]:
    """Who calls. The user is fixed, so that nothing missing could make the call one of the token's own account; empty
    groups are not sent."""
    return [
        d("proxy_set_header", "Authorization", "$kubernetes_authorization"),
        d("proxy_set_header", "Impersonate-User", PERSON_USER),
        *(d("proxy_set_header", "Impersonate-Group", f"$kubernetes_group_{number}") for number in _numbers()),
        # Header names hold no slash; the API server reads escapes in this one.
        d("proxy_set_header", f"Impersonate-Extra-{quote(ACCOUNT_EXTRA, safe='')}", "$kubernetes_account"),
    ]


def _trust(plan: GatewayPlan) -> list[Directive]:
    return [
        d("proxy_ssl_trusted_certificate", f"{plan.folder}/kubernetes/ca.crt"),
        d("proxy_ssl_verify", "on"),
        d("proxy_ssl_verify_depth", 3),
        d("proxy_ssl_server_name", "on"),
        d("proxy_ssl_name", NAME),
        d("proxy_ssl_protocols", "TLSv1.2", "TLSv1.3"),
    ]


_CODES = {
    "@kubernetes_bad": (400, "BadRequest", _REFUSALS["path"]),
    "@kubernetes_unknown": (401, "Unauthorized", "this needs a platform token; the one sent is unknown or has ended"),
    "@kubernetes_refused": (403, "Forbidden", "$kubernetes_refusal_text"),
    "@kubernetes_foreign": (403, "Forbidden", _REFUSALS["cross-site"]),
    "@kubernetes_large": (413, "RequestEntityTooLarge", f"the object is larger than {_MAX_BODY_MB} MiB"),
    "@kubernetes_many": (429, "TooManyRequests", "this address asks too often; wait a moment"),
    "@kubernetes_away": (503, "ServiceUnavailable", "the API server or the control plane does not answer; try again"),
}


def _answers() -> list[Directive]:
    """Which of `_words` answers what. A location's own error pages replace the server's."""
    return [
        d("error_page", 400, "=", "@kubernetes_bad"),
        d("error_page", 401, "=", "@kubernetes_unknown"),
        d("error_page", 403, "=", "@kubernetes_refused"),
        d("error_page", 418, "=", "@kubernetes_foreign"),
        d("error_page", 413, "=", "@kubernetes_large"),
        d("error_page", 429, "=", "@kubernetes_many"),
        d("error_page", 500, 502, 504, "=", "@kubernetes_away"),
    ]


def _words(safe: list[Directive]) -> list[Directive]:
    """The gateway's own answers as clients of Kubernetes read them: a Status."""
    found = []
    for name, (code, reason, message) in _CODES.items():
        document = (
            f'{{"kind":"Status","apiVersion":"v1","metadata":{{}},"status":"Failure","message":"{message}",'
            f'"reason":"{reason}","code":{code}}}'
        )
        more = [d("add_header", "Retry-After", "1", "always")] if code == 429 else []
        more += [d("add_header", "WWW-Authenticate", 'Bearer realm="mlp"', "always")] if code == 401 else []
        found.append(
            block(
                "location", name,
                body=[d("default_type", "application/json"), *safe, *more, d("return", code, document)],
            )
        )  # fmt: skip
    return found
