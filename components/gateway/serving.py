"""Locations of model endpoints below /serving: `/serving/<namespace>/<endpoint>/<path of the model server>`. Pure.

Which service that is says the control plane, in the header X-Upstream of its answer, from the path as the client wrote
it. Paths that could be read in two ways end here. What answers is a tenant's own program on the console's origin: its
pages get no powers, its cookies and its orders to nginx end here, and it sees neither cookies nor tokens of callers.
"""

from __future__ import annotations

from components.gateway.nginx import Directive, block, d
from components.gateway.parts import TENANTS_HEADERS, authorized, problem_response, sent, tenants_answers
from components.paths import PLAIN_REST
from components.serving.names import PATH, PLAIN_PREFIX, SERVED_BY, WAKING

_HEADERS = (*TENANTS_HEADERS, "Inference-Header-Content-Length", "Traceparent", "Tracestate")


def maps() -> list[Directive]:
    """What goes on of a path, query left out; empty for one that is not plain."""
    return [
        block(
            "map",
            "$request_uri",
            "$serving_path",
            body=[d("default", ""), d(f"~^{PLAIN_PREFIX}(?<serving_rest>{PLAIN_REST})(?:\\?.*)?$", "$serving_rest")],
        ),
        block(
            "map",
            "$serving_reason",
            "$serving_trouble",
            body=[
                d("default", "The endpoint does not answer: it is missing, starting, stopped or failing."),
                d(WAKING, "The endpoint slept, as nobody called it, and is being started; call it again soon."),
            ],
        ),
        block("map", "$serving_path", "$serving_odd", body=[d("default", "0"), d("", "1")]),
    ]


def locations(domain: str, strict: list[Directive]) -> list[Directive]:
    """`domain`: what follows `service.namespace` in a host name. `strict`: headers that every answer bears."""
    host = f"$serving_upstream{domain}"
    return [
        block(
            "location",
            f"{PATH}/",
            body=[
                block("if", "($serving_odd)", body=[d("return", 404)]),
                d("error_page", 404, "=", "@no_endpoint"),
                *authorized(unavailable="@endpoint_unavailable"),
                d("auth_request_set", "$serving_upstream", "$upstream_http_x_upstream"),
                d("auth_request_set", "$serving_reason", "$upstream_http_x_mlp_reason"),
                d("auth_request_set", "$serving_endpoint", "$upstream_http_x_served_by"),
                d("proxy_pass", f"http://{host}$serving_path$is_args$args"),
                *sent(_HEADERS, host),
                *tenants_answers(strict),
                d("proxy_hide_header", SERVED_BY),
                d("add_header", SERVED_BY, "$serving_endpoint", "always"),
                d("proxy_read_timeout", "300s"),
            ],
        ),
        block(
            "location",
            "@no_endpoint",
            body=problem_response(
                404, "Not found", f"An endpoint's address is {PATH}/(namespace)/(name)/, with a plain path behind it."
            ),
        ),
        block(
            "location",
            "@endpoint_unavailable",
            body=problem_response(503, "Unavailable", "$serving_trouble", 5),
        ),
    ]
