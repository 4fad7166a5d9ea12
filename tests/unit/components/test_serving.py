"""Model serving: addresses of endpoints, and the gateway's locations."""

from __future__ import annotations

import pytest

from components.serving.names import EndpointAddress, endpoint_of
from components.serving.rbac import MEMBER_RULES, VIEWER_RULES, WORKLOAD_RULES


@pytest.mark.parametrize(
    "uri",
    [
        "/serving/ws-acme--lab/iris/",
        "/serving/ws-acme--lab/iris/v2/models/iris/infer",
        "/serving/ws-acme--lab/iris/v1/models/iris:predict",
        "/serving/ws-acme--lab/iris/v2/models/iris/infer?x=/../%2f",
        "/serving/ws-acme--lab/iris/a/.hidden/..b/c..",
    ],
)
def test_plain_addresses_name_an_endpoint(uri: str) -> None:
    found = endpoint_of(uri)
    assert found == EndpointAddress("ws-acme--lab", "iris")
    assert found.service == "iris-predictor.ws-acme--lab"


ODD = [
    "/serving/ws-acme--lab/iris",
    "/serving/ws-acme--lab/",
    "/serving/ws-acme--lab//v2/",
    "/serving//ws-acme--lab/iris/",
    "/serving/ws-acme--lab/iris//v2",
    "/serving/ws-acme--lab/iris/../other/v2",
    "/serving/ws-acme--lab/iris/./v2",
    "/serving/ws-acme--lab/iris/..",
    "/serving/ws-acme--lab/iris/..?x",
    "/serving/ws-acme--lab/iris/%2e%2e/other",
    "/serving/ws-acme--lab/iris%2f..%2fother/v2",
    "/serving/ws-acme--lab/iris/a%2fb",
    "/serving/ws-acme--lab/iris/a\\b",
    "/serving/ws-acme--lab/iris/a b",
    "/serving/ws-acme--lab/iris/é",
    "/serving/ws-acme--lab/iris/a\n",
    "/serving/ws-acme--lab/iris.ws-evil--lab/v2",
    "/serving/ws-acme--lab.evil/iris/v2",
    "/serving/mlp-system/control-plane/",
    "/serving/kube-system/iris/v2",
    "/serving/WS-acme--lab/iris/v2",
    "/serving/ws-acme--lab/Iris/v2",
    "/serving/ws-acme--lab/-iris/v2",
    "/serving/ws-acme--lab/iris-/v2",
    "/serving/ws-acme--lab/iris:80/v2",
    "/serving/ws-acme--lab/iris@evil/v2",
    f"/serving/ws-acme--lab/{'a' * 54}/v2",
    "/x/../serving/ws-acme--lab/iris/v2",
    "//serving/ws-acme--lab/iris/v2",
    "/serving/ws-acme--lab/iris/v2#f",
]


@pytest.mark.parametrize("uri", ODD)
def test_what_could_be_read_in_two_ways_names_none(uri: str) -> None:
    assert endpoint_of(uri) is None


def test_viewers_call_nothing_and_nobody_holds_wildcards() -> None:
    def may_call(rules: tuple[dict[str, list[str]], ...]) -> bool:
        return any("inferenceservices/predict" in rule["resources"] and "create" in rule["verbs"] for rule in rules)

    assert [may_call(rules) for rules in (VIEWER_RULES, MEMBER_RULES, WORKLOAD_RULES)] == [False, True, True]
    changing = {verb for rule in WORKLOAD_RULES if "inferenceservices" in rule["resources"] for verb in rule["verbs"]}
    assert changing == {"get", "list", "watch"}
    for rule in (*VIEWER_RULES, *MEMBER_RULES, *WORKLOAD_RULES):
        assert not [part for part in (*rule["resources"], *rule["verbs"], *rule["apiGroups"]) if "*" in part]
