"""The gateway's configuration as text."""

from __future__ import annotations

from typing import Any

import pytest

from components import kubernetes as k8s
from components.gateway.config import configuration
from components.gateway.names import KUBERNETES_GROUPS
from components.gateway.nginx import ConfigurationError, block, d, quote, render
from components.gateway.objects import objects, plan
from components.gateway.plan import GatewayPlan
from components.gateway.settings import GatewaySettings
from components.kubeflow_pipelines.names import NAME as KUBEFLOW_PIPELINES
from tests.servers.installs import install


def test_values_cannot_end_directives() -> None:
    text = render([d("set", "$x", 'a"; return 200 "b'), block("location", "= /{x}", body=[d("return", 404)])])
    assert text == 'set $x "a\\"; return 200 \\"b";\n"location" "= /{x}" {\n    return 404;\n}\n'.replace(
        '"location"', "location"
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ("$uri", "$uri"),
        ("a b", '"a b"'),
        ("", '""'),
        ("a;b", '"a;b"'),
        ("a{b}", '"a{b}"'),
        ("a#b", '"a#b"'),
        ('a"b', '"a\\"b"'),
        ("a\\d", '"a\\\\d"'),
    ],
)
def test_quoting(value: str, text: str) -> None:
    assert quote(value) == text


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\0b"])
def test_line_ends_are_refused(value: str) -> None:
    with pytest.raises(ConfigurationError, match="line end"):
        quote(value)


def _plan(public_url: str) -> GatewayPlan:
    return plan(GatewaySettings(), install(public_url=public_url))


def test_plan_names_services_in_full_and_answers_to_its_names() -> None:
    made = _plan("https://ml.example.com")
    assert made.names == (
        "ml.example.com",
        "localhost",
        "127.0.0.1",
        "gateway.mlp-gateway.svc",
        "gateway.mlp-gateway.svc.cluster.local",
    )
    assert made.control_plane == "http://control-plane.mlp-system.svc.cluster.local:8000"
    assert made.tracking == "http://tracking.mlp-tracking.svc.cluster.local:5000"
    assert made.tracking_host == "tracking.mlp-tracking.svc"


@pytest.mark.parametrize(
    ("url", "strict"),
    [
        ("https://ml.example.com", True),
        ("https://localhost:8443", False),
        ("https://127.0.0.1:8443", False),
        ("https://[::1]:8443", False),
    ],
)
def test_transport_is_strict_for_real_names_only(url: str, strict: bool) -> None:
    assert ("add_header Strict-Transport-Security" in configuration(_plan(url))) is strict


def test_clients_headers_pass_by_name_only() -> None:
    text = configuration(_plan("https://localhost:8443"))
    assert "proxy_pass_request_headers off;" in text
    sent = {line.split()[1].lower() for line in text.splitlines() if line.strip().startswith("proxy_set_header")}
    from_clients = {
        line.split()[1].lower() for line in text.splitlines() if "proxy_set_header" in line and "$http_" in line
    }
    assert not {name for name in from_clients if name.startswith(("x-remote", "x-mlp", "x-real", "x-original"))}
    assert from_clients & {"x-forwarded-for", "forwarded", "impersonate-user", "kubeflow-userid"} == set()
    assert "x-remote-user" in sent


def test_secrets_are_included_never_written() -> None:
    text = configuration(_plan("https://localhost:8443"))
    assert "value-of-" not in text
    assert text.count("include /etc/mlp/hops/") == 7


def _blocks(text: str, opening: str) -> str:
    """The directives of a block, from its opening line to the brace that ends it."""
    start = text.index(opening)
    indent = " " * (start - text.rindex("\n", 0, start) - 1)
    return text[start : text.index(f"\n{indent}}}", start)]


def test_the_kubernetes_api_learns_who_calls_from_the_control_plane_alone() -> None:
    text = configuration(_plan("https://ml.example.com"))
    assert "server kubernetes.default.svc.cluster.local:443;" in text
    location = _blocks(text, "location ^~ /kubernetes/ {")
    assert "proxy_ssl_verify on;" in location
    assert "proxy_ssl_trusted_certificate /etc/mlp/kubernetes/ca.crt;" in location
    assert "proxy_set_header Impersonate-User mlp:person;" in location
    assert location.count("proxy_set_header Impersonate-Group $kubernetes_group_") == KUBERNETES_GROUPS
    assert "proxy_set_header Impersonate-Extra-mlp.io%2Faccount $kubernetes_account;" in location
    sent = [line.split()[1:3] for line in location.splitlines() if "proxy_set_header" in line]
    assert ["Authorization", "$kubernetes_authorization;"] in sent
    for name, value in sent:
        if name.startswith(("Impersonate", "Authorization")):
            assert "$http_" not in value, name
        assert name not in ("Cookie", "X-Remote-User", "X-Remote-Groups")
    assert "include" not in location, "the secrets of other hops are not for the API server"
    assert "Impersonate" not in text.replace(location, "")


def test_nothing_of_one_call_is_left_for_another() -> None:
    text = configuration(_plan("https://ml.example.com"))
    for name in ("authorization", "account", "refusal", *(f"group_{n}" for n in range(1, KUBERNETES_GROUPS + 1))):
        assert f'set $kubernetes_{name} "";' in text
        assert f"auth_request_set $kubernetes_{name} $upstream_http_x_mlp_" in text


def test_the_gateway_may_reach_the_api_server_and_trusts_the_clusters_authority() -> None:
    made = {(obj["kind"], obj["metadata"]["name"]): obj for obj in objects(GatewaySettings(), install())}
    egress = made["NetworkPolicy", "traffic"]["spec"]["egress"]
    assert {"to": [{"ipBlock": {"cidr": "10.250.0.1/32"}}], "ports": [{"port": 6443, "protocol": "TCP"}]} in egress
    pod = made["Deployment", "gateway"]["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert {"name": "kubernetes", "configMap": {"name": "kube-root-ca.crt"}} in pod["volumes"]


def _with(*components: str) -> tuple[str, list[dict[str, Any]]]:
    """Configuration and ways out of a gateway beside these components."""
    made = install(components=components)
    (policy,) = (
        obj
        for obj in objects(GatewaySettings(), made)
        if (obj["kind"], obj["metadata"]["name"]) == ("NetworkPolicy", "traffic")
    )
    return configuration(plan(GatewaySettings(), made)), policy["spec"]["egress"]


def test_kubeflow_pipelines_are_reached_where_they_are_installed_only() -> None:
    way = {"to": [k8s.WORKSPACES], "ports": [{"port": 8888, "protocol": "TCP"}]}
    text, egress = _with("gateway", "serving")
    assert "kfp" not in text
    assert way not in egress
    text, egress = _with("gateway", KUBEFLOW_PIPELINES)
    assert way in egress
    assert "location /serving/" not in text
    location = _blocks(text, "location /kfp/ {")
    assert "proxy_pass http://$kfp_upstream.svc.cluster.local:8888$kfp_path$is_args$args;" in location
    assert "auth_request /_authorize;" in location
    assert "proxy_read_timeout 120s;" in location
    assert "client_max_body_size" not in location, "that of the whole gateway"


def test_kubeflow_pipelines_learn_nothing_of_who_calls() -> None:
    text, _ = _with("gateway", KUBEFLOW_PIPELINES)
    location = _blocks(text, "location /kfp/ {")
    sent = {line.split()[1].lower() for line in location.splitlines() if "proxy_set_header" in line}
    assert {"accept", "content-type", "host"} <= sent
    assert not {name for name in sent if name.startswith(("x-remote", "x-mlp", "kubeflow", "sec-", "x-goog"))}
    assert not sent & {"cookie", "authorization"}
    assert "include" not in location, "the secrets of hops are for the platform's own servers"
    hidden = {line.split()[1].rstrip(";") for line in location.splitlines() if "proxy_hide_header" in line}
    assert {"Set-Cookie", "X-Accel-Redirect", "Content-Security-Policy"} <= hidden
