"""Every endpoint, fed with what its own document allows and forbids, never answers 5xx and keeps to the document."""

from __future__ import annotations

from collections import Counter
from typing import Any
from urllib.parse import quote

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from tests.contract.controlplane.conftest import System

pytestmark = [pytest.mark.contract, pytest.mark.timeout(300)]


def _operations(system: System) -> Any:
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", system.app)
    return [result.ok() for result in schema.get_all_operations()]


def test_generated_calls_never_break_the_server(mlp: System) -> None:
    token = mlp.token("root")
    mlp.app.testing = False
    tried = 0
    statuses: Counter[int] = Counter()
    for operation in _operations(mlp):
        if operation.path.endswith("/events"):
            continue
        strategy = st.one_of(
            operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
            operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
        )

        @settings(
            max_examples=6, deadline=None, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=strategy)
        def call(case: Any) -> None:
            response = case.call(headers={"Authorization": f"Bearer {token}"})
            statuses[response.status_code] += 1
            case.validate_response(
                response, checks=[not_a_server_error, status_code_conformance, response_schema_conformance]
            )

        call()
        tried += 1
    assert tried > 40
    assert statuses[422] > 20
    assert statuses[200] + statuses[201] + statuses[202] > 10, statuses


@settings(max_examples=80, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(raw=st.binary(max_size=200), path=st.sampled_from(["/tenants", "/session", "/tenants/acme/requests", "/tokens"]))
def test_arbitrary_bytes_never_break_the_server(fuzzed: System, raw: bytes, path: str) -> None:
    response = fuzzed.app.test_client().post(f"/api/v1{path}", data=raw, content_type="application/json")
    assert response.status_code < 500


@settings(max_examples=80, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(path=st.text(max_size=30), query=st.text(max_size=30))
def test_arbitrary_addresses_never_break_the_server(fuzzed: System, path: str, query: str) -> None:
    response = fuzzed.app.test_client().get(f"/api/v1/{quote(path)}", query_string=query)
    assert response.status_code < 500


@pytest.fixture
def fuzzed(system_under_test: System) -> System:
    return system_under_test
