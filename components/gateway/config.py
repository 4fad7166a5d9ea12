"""nginx's configuration, built from data. Pure.

Only listed request headers go on: whatever else a client sends (identity headers in any spelling, other proxies'
words) ends here. What says who calls is set here, from the control plane's answer, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from components.gateway.names import PORT
from components.gateway.nginx import Directive, block, d, render

HEALTH_PORT = 8081
CONTROL_PLANE_SECRET_FILE = "/etc/mlp/hops/control-plane.conf"  # noqa: S105 - a path
TRACKING_SECRET_FILE = "/etc/mlp/hops/tracking.conf"  # noqa: S105 - a path

_COMMON_HEADERS = (
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
CONTROL_PLANE_HEADERS = (
    *_COMMON_HEADERS,
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
TRACKING_HEADERS = (*_COMMON_HEADERS, "X-MLflow-Workspace", "X-MLflow-Experiment-Id", "X-MLflow-Run-Id")
"""No cookie and no token: the tracking server has no use for either."""
AUTHORIZE_HEADERS = ("Authorization", "Cookie", "Origin", "Sec-Fetch-Site", "X-CSRF-Token", "X-MLflow-Workspace")

_PRIVATE = "^/(internal|metrics|healthz|readyz)(/|$)"
"""Addresses of the control plane for the gateway, the kubelet and the monitoring, none of them for people."""

_LOG = (
    '{"time":"$time_iso8601","request_id":"$request_id","address":"$remote_addr","method":"$request_method",'
    '"host":"$host","path":"$uri","status":$status,"bytes":$body_bytes_sent,"seconds":$request_time,'
    '"caller":"$remote_user_name","upstream":"$upstream_addr","upstream_seconds":"$upstream_response_time"}'
)
_CIPHERS = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
)


@dataclass(frozen=True)
class GatewayPlan:
    """Everything that the configuration depends on."""

    public_url: str
    names: tuple[str, ...]
    """Host names and addresses, without ports, that the gateway answers to."""
    control_plane: str
    """`http://host:port`, as are the others; host names end in the cluster's domain."""
    tracking: str | None
    tracking_host: str
    """The host name that the tracking server expects."""
    resolver: str
    """Host name or `address:port` of the cluster's DNS."""
    requests_per_second: int
    max_body_mb: int
    max_artifact_mb: int
    folder: str = "/etc/mlp"
    """Where certificate, key and secrets are mounted."""
    scratch: str = "/tmp"  # noqa: S108 - a folder of the container's own
    listen: str = f"{PORT}"
    health_listen: str = f"{HEALTH_PORT}"
    http2: bool = True
    access_log: str = "/dev/stdout"

    @property
    def strict_transport(self) -> bool:
        """HSTS would bind every port of a machine's localhost to TLS."""
        host = urlsplit(self.public_url).hostname or ""
        return host != "localhost" and not host.replace(".", "").isdigit() and ":" not in host


def configuration(plan: GatewayPlan) -> str:
    """The whole nginx.conf."""
    return render(
        [
            d("worker_processes", 2),
            d("worker_rlimit_nofile", 16384),
            d("pid", f"{plan.scratch}/nginx.pid"),
            d("error_log", "stderr", "warn"),
            block("events", body=[d("worker_connections", 4096)]),
            block("http", body=_http(plan)),
        ]
    )


def _http(plan: GatewayPlan) -> list[Directive]:
    temporary = [
        d(f"{name}_temp_path", f"{plan.scratch}/{name}")
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    ]
    return [
        *temporary,
        d("server_tokens", "off"),
        d("default_type", "application/octet-stream"),
        d("underscores_in_headers", "off"),
        d("ignore_invalid_headers", "on"),
        d("merge_slashes", "on"),
        # The port that people see is another one than the container's.
        d("absolute_redirect", "off"),
        d("log_format", "requests", "escape=json", _LOG),
        d("access_log", plan.access_log, "requests"),
        d("resolver", plan.resolver, "valid=5s", "ipv6=off"),
        d("resolver_timeout", "5s"),
        d("client_header_timeout", "15s"),
        d("client_body_timeout", "60s"),
        d("send_timeout", "60s"),
        d("keepalive_timeout", "75s"),
        d("reset_timedout_connection", "on"),
        d("large_client_header_buffers", 4, "16k"),
        d("client_max_body_size", f"{plan.max_body_mb}m"),
        d("limit_req_zone", "$binary_remote_addr", "zone=requests:4m", f"rate={plan.requests_per_second}r/s"),
        d("limit_conn_zone", "$binary_remote_addr", "zone=connections:4m"),
        d("limit_req_status", 429),
        d("limit_conn_status", 429),
        d("ssl_certificate", f"{plan.folder}/tls/tls.crt"),
        d("ssl_certificate_key", f"{plan.folder}/tls/tls.key"),
        d("ssl_protocols", "TLSv1.2", "TLSv1.3"),
        d("ssl_ciphers", _CIPHERS),
        d("ssl_prefer_server_ciphers", "off"),
        d("ssl_session_cache", "shared:tls:2m"),
        d("ssl_session_tickets", "off"),
        d("proxy_http_version", "1.1"),
        d("proxy_pass_request_headers", "off"),
        d("proxy_connect_timeout", "5s"),
        d("proxy_send_timeout", "60s"),
        *_maps(),
        block(
            "server",
            body=[
                d("listen", plan.health_listen),
                d("access_log", "off"),
                block("location", "=", "/health", body=[d("return", 200, "ok\n".strip())]),
                block("location", "/", body=[d("return", 404)]),
            ],
        ),
        block(
            "server",
            body=[
                *_listen(plan, "default_server"),
                d("server_name", "_"),
                d("set", "$remote_user_name", ""),
                *_problem_response(421, "Misdirected request", "This server has another name."),
            ],
        ),
        block("server", body=_server(plan)),
    ]


def _maps() -> list[Directive]:
    return [
        block("map", "$http_accept", "$wants_page", body=[d("default", "0"), d("~*text/html", "1")]),
        # Back to the page that was asked for, where its path is plain.
        block(
            "map",
            "$request_uri",
            "$after_login",
            body=[d("default", "/mlflow/"), d("~^(?<plain>/mlflow/[A-Za-z0-9/._~-]*)", "$plain")],
        ),
        # Browsers name the page that a change comes from; another page's is refused.
        block(
            "map",
            "$request_method $http_origin https://$http_host",
            "$foreign_change",
            body=[
                d("default", "1"),
                d("~^(GET|HEAD|OPTIONS) ", "0"),
                d("~^[A-Z]+  ", "0"),
                d("~^[A-Z]+ (?<own>\\S+) \\k<own>$", "0"),
            ],
        ),
    ]


def _listen(plan: GatewayPlan, *more: str) -> list[Directive]:
    return [d("listen", plan.listen, "ssl", *more), *([d("http2", "on")] if plan.http2 else [])]


def _server(plan: GatewayPlan) -> list[Directive]:
    strict = (
        [d("add_header", "Strict-Transport-Security", "max-age=31536000", "always")] if plan.strict_transport else []
    )
    tracking = _tracking(plan, plan.tracking, strict) if plan.tracking else []
    return [
        *_listen(plan),
        d("server_name", *plan.names),
        d("limit_req", "zone=requests", f"burst={plan.requests_per_second * 2}", "nodelay"),
        d("limit_conn", "connections", 512),
        *strict,
        d("error_page", 502, 504, "=", "@unavailable"),
        d("error_page", 429, "=", "@too_many"),
        d("error_page", 413, "=", "@too_large"),
        # Set again where the control plane has said who calls; the log reads it everywhere.
        d("set", "$remote_user_name", ""),
        d("set", "$remote_groups", ""),
        d("set", "$control_plane", plan.control_plane),
        block("location", "~", _PRIVATE, body=_problem_response(404, "Not found", "There is no such address.")),
        *tracking,
        block(
            "location",
            "/",
            body=[
                d("proxy_pass", "$control_plane"),
                *_sent(CONTROL_PLANE_HEADERS, "$http_host"),
                d("include", f"{plan.folder}/hops/control-plane.conf"),
                # Live progress reaches the browser line by line; each event or heartbeat starts the time anew.
                d("proxy_buffering", "off"),
                d("proxy_read_timeout", "120s"),
            ],
        ),
        block(
            "location",
            "@unavailable",
            body=_problem_response(503, "Unavailable", "A part of the platform does not answer; try again soon.", 5),
        ),
        block("location", "@too_large", body=_problem_response(413, "Too large", "The request body is too large.")),
        block(
            "location",
            "@too_many",
            body=_problem_response(429, "Too many requests", "This address asks too often; wait a moment.", 1),
        ),
    ]


def _sent(headers: Sequence[str], host: str) -> list[Directive]:
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


def _tracking(plan: GatewayPlan, upstream: str, strict: list[Directive]) -> list[Directive]:
    body = [
        block(
            "if",
            "($foreign_change)",
            body=[d("return", 418)],
        ),
        d("error_page", 418, "=", "@foreign"),
        d("error_page", 401, "=", "@login"),
        d("error_page", 403, "=", "@forbidden"),
        # A location's own error pages replace the server's, so those stand here again.
        d("error_page", 413, "=", "@too_large"),
        d("error_page", 429, "=", "@too_many"),
        d("error_page", 500, 502, 504, "=", "@unavailable"),
        d("auth_request", "/_authorize"),
        d("auth_request_set", "$remote_user_name", "$upstream_http_x_remote_user"),
        d("auth_request_set", "$remote_groups", "$upstream_http_x_remote_groups"),
        d("rewrite", "^/mlflow(/.*)$", "$1", "break"),
        d("proxy_pass", "$tracking"),
        *_sent(TRACKING_HEADERS, plan.tracking_host),
        d("proxy_set_header", "X-Remote-User", "$remote_user_name"),
        d("proxy_set_header", "X-Remote-Groups", "$remote_groups"),
        d("include", f"{plan.folder}/hops/tracking.conf"),
    ]
    # Files of users, shown on the console's origin: no scripts, no forms, no frames' powers.
    files = [*strict, d("add_header", "Content-Security-Policy", "sandbox; default-src 'none'", "always")]
    return [
        d("set", "$tracking", upstream),
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
                *_sent(AUTHORIZE_HEADERS, "$http_host"),
                d("proxy_set_header", "Content-Length", ""),
                d("proxy_set_header", "X-Original-URI", "$request_uri"),
                d("proxy_set_header", "X-Original-Method", "$request_method"),
                d("include", f"{plan.folder}/hops/control-plane.conf"),
                d("proxy_read_timeout", "10s"),
            ],
        ),
        block("location", "=", "/mlflow", body=[d("return", 308, "/mlflow/")]),
        block(
            "location",
            "~",
            "^/mlflow/(ajax-api|api)/[0-9.]+/mlflow-artifacts/artifacts/",
            body=[
                *body,
                *files,
                d("client_max_body_size", f"{plan.max_artifact_mb}m"),
                d("proxy_request_buffering", "off"),
                d("proxy_buffering", "off"),
                d("proxy_read_timeout", "300s"),
                d("proxy_send_timeout", "300s"),
            ],
        ),
        block(
            "location",
            "~",
            "^/mlflow/.*get-(trace-)?artifact",
            body=[*body, *files, d("proxy_read_timeout", "300s")],
        ),
        block("location", "/mlflow/", body=[*body, d("proxy_read_timeout", "120s")]),
        block(
            "location",
            "@login",
            body=[
                block("if", "($wants_page)", body=[d("return", 303, "/login?next=$after_login")]),
                *_problem_response(
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
            body=_problem_response(403, "Not allowed", "This account may not use this workspace or this address."),
        ),
        block(
            "location",
            "@foreign",
            body=_problem_response(403, "Not allowed", "A change must come from the platform's own pages."),
        ),
    ]


def _problem_response(
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
