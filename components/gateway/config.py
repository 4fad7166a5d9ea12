"""nginx's configuration, built from data. Pure.

Only listed request headers go on: whatever else a client sends (identity headers in any spelling, other proxies'
words) ends here. What says who calls is set here, from the control plane's answer, and nowhere else.
"""

from __future__ import annotations

from components.gateway import kubeflow_pipelines, kubernetes, notebooks, serving, tracking
from components.gateway.nginx import Directive, block, d, render
from components.gateway.parts import CONTROL_PLANE_HEADERS, authority, problem_response, sent
from components.gateway.plan import GatewayPlan

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
        *kubernetes.outside(),
        kubernetes.upstream(plan.kubernetes),
        *(serving.maps() if plan.serving else ()),
        *(kubeflow_pipelines.maps() if plan.kubeflow_pipelines else ()),
        *([*notebooks.cache(plan), *notebooks.maps()] if plan.notebooks else []),
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
                *problem_response(421, "Misdirected request", "This server has another name."),
            ],
        ),
        block("server", body=_server(plan)),
        *([notebooks.origins(plan, plan.notebooks, _listen(plan), _strict(plan))] if plan.notebooks else []),
    ]


def _maps() -> list[Directive]:
    return [
        block("map", "$http_accept", "$wants_page", body=[d("default", "0"), d("~*text/html", "1")]),
        # Back to the page that was asked for, where its path is plain.
        block(
            "map",
            "$request_uri",
            "$after_login",
            body=[
                d("default", "/mlflow/"),
                d("~^(?<plain>/mlflow/[A-Za-z0-9/._~-]*)", "$plain"),
                *(d(pattern, place) for pattern, place in notebooks.AFTER_LOGIN),
            ],
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


def _strict(plan: GatewayPlan) -> list[Directive]:
    return [d("add_header", "Strict-Transport-Security", "max-age=31536000", "always")] if plan.strict_transport else []


def _server(plan: GatewayPlan) -> list[Directive]:
    strict = _strict(plan)
    parts = tracking.locations(plan, plan.tracking, strict) if plan.tracking else []
    parts += kubernetes.locations(plan, strict)
    parts += serving.locations(plan.serving, strict) if plan.serving else []
    parts += kubeflow_pipelines.locations(plan.kubeflow_pipelines, strict) if plan.kubeflow_pipelines else []
    parts += notebooks.locations(plan, plan.notebooks) if plan.notebooks else []
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
        block("location", "~", _PRIVATE, body=problem_response(404, "Not found", "There is no such address.")),
        *authority(plan),
        *parts,
        block(
            "location",
            "/",
            body=[
                d("proxy_pass", "$control_plane"),
                *sent(CONTROL_PLANE_HEADERS, "$http_host"),
                d("include", f"{plan.folder}/hops/control-plane.conf"),
                # Live progress reaches the browser line by line; each event or heartbeat starts the time anew.
                d("proxy_buffering", "off"),
                d("proxy_read_timeout", "120s"),
            ],
        ),
        block(
            "location",
            "@unavailable",
            body=problem_response(503, "Unavailable", "A part of the platform does not answer; try again soon.", 5),
        ),
        block("location", "@too_large", body=problem_response(413, "Too large", "The request body is too large.")),
        block(
            "location",
            "@too_many",
            body=problem_response(429, "Too many requests", "This address asks too often; wait a moment.", 1),
        ),
    ]
