"""What locations of nginx share: headers that go on, who is asked who calls, and the gateway's own answers. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from components.gateway.nginx import Directive, block, d
from components.gateway.plan import GatewayPlan

COMMON_HEADERS = (
    "Accept",
    "Accept-Encoding",
    "Accept-Language",
    "Content-Encoding",
    "Content-Type",
    "If-Match",
    "If-Modified-Since",
    "If-None-Match",
    "Origin",
    "Range",
    "Sec-Fetch-Dest",
    "Sec-Fetch-Mode",
    "Sec-Fetch-Site",
    "User-Agent",
)
TENANTS_HEADERS = tuple(name for name in COMMON_HEADERS if not name.startswith("Sec-"))
"""To a tenant's own program: no cookie, no token, nothing that says who calls."""
CONTROL_PLANE_HEADERS = (
    *COMMON_HEADERS,
    "Authorization",
    "Cookie",
    "HX-Boosted",
    "HX-Current-URL",
    "HX-History-Restore-Request",
    "HX-Request",
    "HX-Request-Type",
    "HX-Source",
    "HX-Target",
    "Idempotency-Key",
    "Last-Event-ID",
    "Prefer",
    "Referer",
    "X-CSRF-Token",
)
AUTHORIZE_HEADERS = ("Authorization", "Cookie", "Origin", "Sec-Fetch-Site", "X-CSRF-Token", "X-MLflow-Workspace")
_ORDERS = tuple(f"X-Accel-{name}" for name in ("Buffering", "Charset", "Expires", "Limit-Rate", "Redirect"))
"""nginx would obey these from what answers: a redirect reaches locations that are internal."""
_POWERS = (
    "Access-Control-Allow-Credentials",
    "Access-Control-Allow-Origin",
    "Clear-Site-Data",
    "Content-Security-Policy",
    "Service-Worker-Allowed",
    "Set-Cookie",
    "Set-Cookie2",
    "Strict-Transport-Security",
    "X-Content-Type-Options",
)
"""What a server may say of its whole origin."""


def sent(headers: Sequence[str], host: str) -> list[Directive]:
    """Request headers: the listed ones of the client, and what the gateway itself knows of the connection."""
    own = {
        "Host": host,
        "Connection": "",
        "X-Forwarded-For": "$remote_addr",
        "X-Forwarded-Host": "$http_host",
        "X-Forwarded-Proto": "https",
        "X-Real-IP": "$remote_addr",
        "X-Request-ID": "$request_id",
    }
    client = {name: f"$http_{name.lower().replace('-', '_')}" for name in headers}
    return [d("proxy_set_header", name, value) for name, value in (client | own).items()]


def tenants_answers(strict: Sequence[Directive]) -> list[Directive]:
    """What answers is a tenant's own program on the console's origin: its pages get no powers, its cookies and its
    orders to nginx end here. `strict`: headers that every answer bears."""
    return [
        d("proxy_ignore_headers", *_ORDERS),
        *(d("proxy_hide_header", name) for name in (*_ORDERS, *_POWERS)),
        *strict,
        d("add_header", "Content-Security-Policy", "sandbox; default-src 'none'", "always"),
        d("add_header", "X-Content-Type-Options", "nosniff", "always"),
        # Answers reach the caller as they come, such as tokens of a text, and fill no disk of the gateway's.
        d("proxy_buffering", "off"),
    ]


def authorized(unavailable: str = "@unavailable") -> list[Directive]:
    """Of a location that only known callers pass: the control plane is asked who calls (`authority`), and its answer is
    in $remote_user_name and $remote_groups. `unavailable`: what is answered where nobody answers behind it."""
    return [
        block("if", "($foreign_change)", body=[d("return", 418)]),
        d("error_page", 418, "=", "@foreign"),
        d("error_page", 401, "=", "@login"),
        d("error_page", 403, "=", "@forbidden"),
        # A location's own error pages replace the server's, so those stand here again.
        d("error_page", 413, "=", "@too_large"),
        d("error_page", 429, "=", "@too_many"),
        d("error_page", 500, 502, 504, "=", unavailable),
        d("auth_request", "/_authorize"),
        d("auth_request_set", "$remote_user_name", "$upstream_http_x_remote_user"),
        d("auth_request_set", "$remote_groups", "$upstream_http_x_remote_groups"),
    ]


def identity(plan: GatewayPlan, hop: str) -> list[Directive]:
    """Headers that say who calls, and the secret by which the hop's other end believes them."""
    return [
        d("proxy_set_header", "X-Remote-User", "$remote_user_name"),
        d("proxy_set_header", "X-Remote-Groups", "$remote_groups"),
        d("include", f"{plan.folder}/hops/{hop}.conf"),
    ]


def authority(plan: GatewayPlan) -> list[Directive]:
    """The locations behind `authorized`: the question to the control plane, and the answers to who is refused."""
    return [
        block(
            "location",
            "=",
            "/_authorize",
            body=[
                d("internal"),
                d("proxy_pass", "$control_plane/internal/authorize"),
                d("proxy_method", "GET"),
                # The body stays here, but its length would count.
                d("proxy_pass_request_body", "off"),
                d("client_max_body_size", 0),
                *sent(AUTHORIZE_HEADERS, "$http_host"),
                d("proxy_set_header", "Content-Length", ""),
                d("proxy_set_header", "X-Original-URI", "$request_uri"),
                d("proxy_set_header", "X-Original-Method", "$request_method"),
                d("include", f"{plan.folder}/hops/control-plane.conf"),
                d("proxy_read_timeout", "10s"),
                # Room for the groups and the token of a call to the Kubernetes API.
                d("proxy_buffer_size", "16k"),
                d("proxy_buffers", 4, "16k"),
            ],
        ),
        block(
            "location",
            "@login",
            body=[
                block("if", "($wants_page)", body=[d("return", 303, "/login?next=$after_login")]),
                *problem_response(
                    401,
                    "Sign in",
                    "This needs a session, a platform token or a workload's token.",
                    authenticate=True,
                ),
            ],
        ),
        block(
            "location",
            "@forbidden",
            body=problem_response(403, "Not allowed", "This account may not use this workspace or this address."),
        ),
        block(
            "location",
            "@foreign",
            body=problem_response(403, "Not allowed", "A change must come from the platform's own pages."),
        ),
    ]


def problem_response(
    status: int, title: str, detail: str, retry_after: int | None = None, *, authenticate: bool = False
) -> list[Directive]:
    """A problem document (RFC 9457) of the gateway's own."""
    code = title.lower().replace(" ", "-")
    document = (
        f'{{"type":"urn:mlp:problem:{code}","title":"{title}","status":{status},"detail":"{detail}",'
        f'"code":"{code}","request_id":"$request_id"}}'
    )
    headers = []
    if retry_after is not None:
        headers.append(d("add_header", "Retry-After", retry_after, "always"))
    if authenticate:
        headers.append(d("add_header", "WWW-Authenticate", 'Bearer realm="mlp"', "always"))
    return [d("default_type", "application/problem+json"), *headers, d("return", status, document)]
