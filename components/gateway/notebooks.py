"""The hub of notebooks below /notebooks, and the servers' own origins. Pure.

A server has a host name of its own below the notebooks' domain, so that no page of it reads the platform's cookies or
another server's. The hub says for each request where the server is and whether its owner may still use it; who calls,
the server asks of its visitor itself, with OAuth at the hub and a cookie bound to its host.
"""

from __future__ import annotations

import re

from components.gateway.nginx import Directive, block, d
from components.gateway.parts import COMMON_HEADERS, authorized, identity, problem_response, sent
from components.gateway.plan import GatewayPlan
from components.notebooks.naming import HUB_PATH

HUB_HEADERS = (*COMMON_HEADERS, "Referer", "X-Requested-With")
"""No cookie and no token: the hub keeps no session of its own."""
PLACE_PATH = "/internal/place"
AFTER_LOGIN = (
    # OAuth of a server: its address has parameters that do not go through the sign-in page; the hub knows the way on.
    (
        rf"~^{HUB_PATH}/api/oauth2/authorize\?(?:.*&)?client_id=(?<oauth_client>jupyterhub-user-[A-Za-z0-9._-]+)(?:&|$)",
        f"{HUB_PATH}/open/$oauth_client",
    ),
    (rf"~^(?<hub_page>{HUB_PATH}/[A-Za-z0-9/._~-]*)", "$hub_page"),
)
"""Entries of the map from an address to where a person goes after signing in."""


def cache(plan: GatewayPlan) -> list[Directive]:
    """Of the hub's answers about places, which say themselves for how long they hold."""
    path = f"{plan.scratch}/places"
    return [d("proxy_cache_path", path, "keys_zone=places:1m", "inactive=1m", "max_size=8m", "use_temp_path=off")]


def maps() -> list[Directive]:
    return [
        block("map", "$http_upgrade", "$connection_upgrade", body=[d("default", "upgrade"), d("", "")]),
        # A person's token of the platform has no business in a pod that others of the workspace can look into.
        block(
            "map",
            "$http_authorization",
            "$server_authorization",
            body=[d("default", "$http_authorization"), d(r"~*^[a-z]+\s+mlp_", "")],
        ),
    ]


def locations(plan: GatewayPlan, upstream: str) -> list[Directive]:
    """Of the platform's own origin. `upstream`: `http://host:port`."""
    return [
        d("set", "$notebooks", upstream),
        block("location", "=", "/notebooks", body=[d("return", 302, f"{HUB_PATH}/home")]),
        block("location", "=", "/notebooks/", body=[d("return", 302, f"{HUB_PATH}/home")]),
        block(
            "location",
            f"{HUB_PATH}/",
            body=[
                *authorized(),
                d("proxy_pass", "$notebooks"),
                *sent(HUB_HEADERS, "$http_host"),
                *identity(plan, "notebooks"),
                d("proxy_hide_header", "Set-Cookie"),
                # Progress of a start reaches the page line by line.
                d("proxy_buffering", "off"),
                d("proxy_read_timeout", "300s"),
            ],
        ),
    ]


def origins(plan: GatewayPlan, upstream: str, listen: list[Directive], strict: list[Directive]) -> Directive:
    """The server block of every notebook server's origin."""
    domain = re.escape(plan.notebooks_domain.partition(":")[0])
    return block(
        "server",
        body=[
            *listen,
            d("server_name", rf"~^(?<notebook>nb-[a-z0-9-]+)\.{domain}$"),
            d("limit_req", "zone=requests", f"burst={plan.requests_per_second * 2}", "nodelay"),
            d("limit_conn", "connections", 512),
            *strict,
            d("set", "$remote_user_name", ""),
            d("set", "$notebooks", upstream),
            d("set", "$place", ""),
            _place(plan),
            block("location", "/", body=_server()),
            *_answers(plan),
        ],
    )


def _place(plan: GatewayPlan) -> Directive:
    return block(
        "location",
        "=",
        "/_place",
        body=[
            d("internal"),
            d("proxy_pass", f"$notebooks{PLACE_PATH}"),
            d("proxy_method", "GET"),
            d("proxy_pass_request_body", "off"),
            d("client_max_body_size", 0),
            d("proxy_set_header", "Host", "$proxy_host"),
            d("proxy_set_header", "Connection", ""),
            d("proxy_set_header", "Content-Length", ""),
            d("proxy_set_header", "X-Notebook", "$notebook"),
            d("include", f"{plan.folder}/hops/notebooks.conf"),
            d("proxy_cache", "places"),
            d("proxy_cache_key", "$notebook"),
            # A hub that starts anew is not missed. It is no gap: servers check their visitors' cookies with the hub.
            d("proxy_cache_use_stale", "error", "timeout"),
            d("proxy_read_timeout", "10s"),
        ],
    )


def _server() -> list[Directive]:
    headers = {
        "Host": "$http_host",
        "Connection": "$connection_upgrade",
        "Upgrade": "$http_upgrade",
        "Authorization": "$server_authorization",
        "X-Forwarded-For": "$remote_addr",
        "X-Forwarded-Host": "$http_host",
        "X-Forwarded-Proto": "https",
        "X-Real-IP": "$remote_addr",
        "X-Request-ID": "$request_id",
    }
    return [
        d("auth_request", "/_place"),
        d("auth_request_set", "$place", "$upstream_http_x_upstream"),
        d("error_page", 401, "=", "@stopped"),
        d("error_page", 403, "=", "@lost"),
        d("error_page", 413, "=", "@too_large"),
        d("error_page", 429, "=", "@too_many"),
        d("error_page", 500, 502, 504, "=", "@unavailable"),
        d("proxy_pass", "$place"),
        # What Jupyter's pages and extensions send is theirs to say; nothing of it is believed by the platform.
        d("proxy_pass_request_headers", "on"),
        *(d("proxy_set_header", name, value) for name, value in headers.items()),
        d("proxy_buffering", "off"),
        d("proxy_request_buffering", "off"),
        # Kernels' connections are silent while a cell computes; Jupyter's own heartbeat comes every 30 seconds.
        d("proxy_read_timeout", "3600s"),
        d("proxy_send_timeout", "300s"),
    ]


def _answers(plan: GatewayPlan) -> list[Directive]:
    answers = {
        "@lost": (403, "Not allowed", "This account may not use this workspace any more.", None),
        "@unavailable": (503, "Unavailable", "The notebook server does not answer; try again soon.", 5),
        "@too_large": (413, "Too large", "The request body is too large.", None),
        "@too_many": (429, "Too many requests", "This address asks too often; wait a moment.", 1),
    }
    return [
        block(
            "location",
            "@stopped",
            body=[
                block("if", "($wants_page)", body=[d("return", 303, f"{plan.public_url}{HUB_PATH}/home")]),
                # What JupyterLab takes for a server that was stopped.
                *problem_response(424, "Not running", "No notebook server runs here; start it in the platform."),
            ],
        ),
        *(block("location", name, body=problem_response(*answer)) for name, answer in answers.items()),
    ]
