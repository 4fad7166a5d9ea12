"""Locations of workspaces' Kubeflow Pipelines below /kfp: `/kfp/<namespace>/apis/<path of the API server>`. Pure.

Which instance that is says the control plane, in the header X-Upstream of its answer, from the path as the client wrote
it. Paths that could be read in two ways, and those of anything but the REST interface, end here. The server itself asks
nobody who they are: it must be reached through here alone. It is a tenant's own program, as model endpoints are.
"""

from __future__ import annotations

from components.gateway.nginx import Directive, block, d
from components.gateway.parts import TENANTS_HEADERS, authorized, problem_response, sent, tenants_answers
from components.kubeflow_pipelines.names import API_REST, PATH, PLAIN_PREFIX

_AWAY = "Kubeflow Pipelines does not answer: the workspace does not have the feature, or it is starting."


def maps() -> list[Directive]:
    """What goes on of a path, query left out; empty for one that is not plain."""
    plain = f"~^{PLAIN_PREFIX}(?<kfp_rest>{API_REST})(?:\\?.*)?$"
    return [
        block("map", "$request_uri", "$kfp_path", body=[d("default", ""), d(plain, "$kfp_rest")]),
        block("map", "$kfp_path", "$kfp_odd", body=[d("default", "0"), d("", "1")]),
    ]


def locations(domain: str, strict: list[Directive]) -> list[Directive]:
    """`domain`: what follows `service.namespace` in a host name, with the port. `strict`: headers that every answer
    bears."""
    host = f"$kfp_upstream{domain}"
    return [
        block(
            "location",
            f"{PATH}/",
            body=[
                block("if", "($kfp_odd)", body=[d("return", 404)]),
                d("error_page", 404, "=", "@no_kfp"),
                *authorized(unavailable="@kfp_unavailable"),
                d("auth_request_set", "$kfp_upstream", "$upstream_http_x_upstream"),
                d("proxy_pass", f"http://{host}$kfp_path$is_args$args"),
                *sent(TENANTS_HEADERS, host),
                *tenants_answers(strict),
                d("proxy_read_timeout", "120s"),
            ],
        ),
        block(
            "location",
            "@no_kfp",
            body=problem_response(
                404,
                "Not found",
                f"Kubeflow Pipelines' address is {PATH}/(namespace)/apis/, with a plain path behind it.",
            ),
        ),
        block("location", "@kfp_unavailable", body=problem_response(503, "Unavailable", _AWAY, 5)),
    ]
