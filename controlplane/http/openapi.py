"""The OpenAPI 3.1 document, made from the endpoints."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Literal

from pydantic import BaseModel, TypeAdapter

from controlplane.http.endpoint import IDEMPOTENCY_HEADER, Endpoint
from controlplane.http.problem import MEDIA_TYPE as PROBLEM_TYPE
from controlplane.http.problem import Problem

_REF = "#/components/schemas/{model}"
_Mode = Literal["validation", "serialization"]


class _Schemas:
    """Collects the schemas of all types under one set of names."""

    def __init__(self, wanted: Iterable[tuple[str, _Mode, TypeAdapter[Any]]]) -> None:
        inputs = list(dict.fromkeys(wanted))
        self._of, shared = TypeAdapter.json_schemas(inputs, ref_template=_REF)
        self.components: dict[str, Any] = shared.get("$defs", {})

    def get(self, name: str, mode: _Mode) -> dict[str, Any]:
        return self._of[name, mode]


def _query_parameters(model: type[BaseModel]) -> list[dict[str, Any]]:
    schema = model.model_json_schema(mode="validation", ref_template=_REF)
    definitions = schema.get("$defs", {})

    def inline(part: Any) -> Any:
        if isinstance(part, dict):
            if "$ref" in part:
                return inline(definitions[part["$ref"].rsplit("/", 1)[1]])
            return {key: inline(value) for key, value in part.items()}
        return [inline(item) for item in part] if isinstance(part, list) else part

    return [
        {"name": name, "in": "query", "required": name in schema.get("required", []), "schema": _no_null(inline(part))}
        for name, part in schema.get("properties", {}).items()
    ]


def _no_null(schema: dict[str, Any]) -> dict[str, Any]:
    """In a query string a parameter is there or not; it is never null."""
    options = [option for option in schema.get("anyOf", []) if option != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key not in ("anyOf", "default") or value is not None}
    if len(options) == 1:
        return {**{k: v for k, v in rest.items() if k != "anyOf"}, **options[0]}
    return rest


def _parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    found = [
        {"name": name, "in": "path", "required": True, "schema": adapter.json_schema(ref_template=_REF)}
        for name, adapter in endpoint.path_types.items()
    ]
    if endpoint.query is not None:
        found += _query_parameters(endpoint.query)
    if endpoint.if_match:
        found.append(
            {
                "name": "If-Match", "in": "header", "required": False,
                "description": "The ETag of the object as it was read; 412 when it has changed since.",
                "schema": {"type": "string", "pattern": r'^"[0-9]{1,15}"$'},
            }
        )  # fmt: skip
    if endpoint.idempotent:
        found.append(
            {
                "name": IDEMPOTENCY_HEADER, "in": "header", "required": False,
                "description": "A repeat with the same key and body gets the first answer; 409 for another body.",
                "schema": {"type": "string", "pattern": r"^[!-~]{1,200}$"},
            }
        )  # fmt: skip
    return found


def _answers(endpoint: Endpoint, schemas: _Schemas) -> dict[str, Any]:
    good: dict[str, Any] = {"description": "Done."}
    if endpoint.raw is not None:
        good["content"] = {endpoint.raw: {"schema": {"type": "string"}}}
    elif endpoint.returns is not None:
        good["content"] = {"application/json": {"schema": schemas.get(endpoint.name, "serialization")}}
    problem = {"content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    return {str(endpoint.status): good, "default": {"description": "A problem (RFC 9457).", **problem}}


def document(endpoints: Iterable[Endpoint], prefix: str, version: str) -> dict[str, Any]:
    """The whole document as plain data."""
    endpoints = list(endpoints)
    wanted: list[tuple[str, _Mode, TypeAdapter[Any]]] = [("Problem", "serialization", TypeAdapter(Problem))]
    for endpoint in endpoints:
        if endpoint.body is not None:
            wanted.append((endpoint.name, "validation", endpoint.body))
        if endpoint.returns is not None and endpoint.raw is None:
            wanted.append((endpoint.name, "serialization", endpoint.returns))
    schemas = _Schemas(wanted)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        text = (endpoint.function.__doc__ or "").strip()
        operation: dict[str, Any] = {
            "operationId": endpoint.name,
            "tags": [endpoint.tag],
            "summary": re.split(r"(?<=\.)\s", text, maxsplit=1)[0],
            "description": text,
            "parameters": _parameters(endpoint),
            "responses": _answers(endpoint, schemas),
        }
        if endpoint.public:
            operation["security"] = []
        if endpoint.body is not None:
            operation["requestBody"] = {
                "required": True,
                "content": {"application/json": {"schema": schemas.get(endpoint.name, "validation")}},
            }
        paths.setdefault(prefix + endpoint.path, {})[endpoint.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "ML platform control plane", "version": version},
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "__Host-mlp_session"},
            },
        },
    }
