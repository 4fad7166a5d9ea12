"""Locations of MLflow below /mlflow. Pure."""

from __future__ import annotations

from components.gateway.nginx import Directive, block, d
from components.gateway.parts import COMMON_HEADERS, authorized, identity, sent
from components.gateway.plan import GatewayPlan

TRACKING_HEADERS = (*COMMON_HEADERS, "X-MLflow-Workspace", "X-MLflow-Experiment-Id", "X-MLflow-Run-Id")
"""No cookie and no token: the tracking server has no use for either."""


def locations(plan: GatewayPlan, upstream: str, strict: list[Directive]) -> list[Directive]:
    """`upstream`: `http://host:port`. `strict`: headers that every answer bears."""
    body = [
        *authorized(),
        d("rewrite", "^/mlflow(/.*)$", "$1", "break"),
        d("proxy_pass", "$tracking"),
        *sent(TRACKING_HEADERS, plan.tracking_host),
        *identity(plan, "tracking"),
    ]
    # Files of users, shown on the console's origin: no scripts, no forms, no frames' powers.
    files = [*strict, d("add_header", "Content-Security-Policy", "sandbox; default-src 'none'", "always")]
    return [
        d("set", "$tracking", upstream),
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
    ]
