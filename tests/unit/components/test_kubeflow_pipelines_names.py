"""Addresses of workspaces' Kubeflow Pipelines."""

from __future__ import annotations

import pytest

from components.kubeflow_pipelines.names import instance_of, service_of, uploads


@pytest.mark.parametrize(
    "uri",
    [
        "/kfp/ws-acme--lab/apis/",
        "/kfp/ws-acme--lab/apis/v2beta1/healthz",
        "/kfp/ws-acme--lab/apis/v2beta1/runs?filter=/../%2f&page_size=1",
        "/kfp/ws-acme--lab/apis/v2beta1/recurringruns/0b1c:disable",
        "/kfp/ws-acme--lab/apis/v1beta1/runs/a/nodes/b/artifacts/c:read",
    ],
)
def test_plain_addresses_name_an_instance(uri: str) -> None:
    found = instance_of(uri)
    assert found == "ws-acme--lab"
    assert service_of(found) == "ml-pipeline.ws-acme--lab"
    assert not uploads(uri)


ODD = [
    "/kfp",
    "/kfp/",
    "/kfp/ws-acme--lab",
    "/kfp/ws-acme--lab/",
    "/kfp/ws-acme--lab/apis",
    "/kfp/ws-acme--lab/apisx/v2beta1/runs",
    "/kfp/ws-acme--lab/metrics",
    "/kfp/ws-acme--lab/metrics?/apis/",
    "/kfp/ws-acme--lab/x/apis/v2beta1/runs",
    "/kfp/ws-acme--lab/apis/../metrics",
    "/kfp/ws-acme--lab/apis/..",
    "/kfp/ws-acme--lab/apis/.?x",
    "/kfp/ws-acme--lab/apis/%2e%2e/metrics",
    "/kfp/ws-acme--lab/apis/a%2fb",
    "/kfp/ws-acme--lab/apis%2fv2beta1",
    "/kfp/ws-acme--lab/apis/a;b",
    "/kfp/ws-acme--lab/apis/a\\b",
    "/kfp/ws-acme--lab/apis/a b",
    "/kfp/ws-acme--lab/apis/é",
    "/kfp/ws-acme--lab/apis/a\n",
    "/kfp/ws-acme--lab/apis/runs#f",
    "/kfp/ws-acme--lab/apis//runs",
    "/kfp/ws-acme--lab//apis/runs",
    "/kfp//ws-acme--lab/apis/runs",
    "//kfp/ws-acme--lab/apis/runs",
    "/x/../kfp/ws-acme--lab/apis/runs",
    "/kfpx/ws-acme--lab/apis/runs",
    "/kfp/ws-acme--lab.evil/apis/runs",
    "/kfp/ws-acme--lab:80/apis/runs",
    "/kfp/ws-acme--lab@evil/apis/runs",
    "/kfp/WS-acme--lab/apis/runs",
    "/kfp/mlp-system/apis/runs",
    f"/kfp/ws-{'a' * 51}/apis/runs",
]


@pytest.mark.parametrize("uri", ODD)
def test_what_could_be_read_in_two_ways_and_what_is_no_interface_name_none(uri: str) -> None:
    assert instance_of(uri) is None
    assert not uploads(uri)


@pytest.mark.parametrize("version", ["v1beta1", "v2beta1"])
@pytest.mark.parametrize("rest", ["upload", "upload_version", "upload?name=a", "upload_version?pipelineid=/x"])
def test_uploads_are_told_by_their_address(version: str, rest: str) -> None:
    assert uploads(f"/kfp/ws-acme--lab/apis/{version}/pipelines/{rest}")
    assert not uploads(f"/kfp/ws-acme--lab/apis/{version}/pipelines/names/{rest}")
    assert not uploads(f"/serving/ws-acme--lab/apis/{version}/pipelines/{rest}")
