"""API endpoints as plain typed functions.

    @api.post("/tenants/{tenant}/workspaces", status=202)
    def create_workspace(work: Work, tenant: Slug, body: WorkspaceCreate) -> Change:
        '''Create a workspace.'''

Parameters say what is read: those named in the path, `body` (a Command, as strict JSON), `query` (a Command, from the
query string), `version` (the number in If-Match, None where it is not sent). The return type is the answer's schema.
Everything is checked before the function runs and every finding is reported at once; the function runs inside one
transaction, in which the answer for a repeated Idempotency-Key is kept too.
"""

from __future__ import annotations

import hashlib
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, get_type_hints

from flask import Flask, Response, json, request
from pydantic import BaseModel, TypeAdapter, ValidationError

from controlplane.errors import Conflict, Finding, Invalid, PublicError, Unauthenticated
from controlplane.http import caller, repository, strictjson
from controlplane.work import Work

F = TypeVar("F", bound=Callable[..., Any])
MAX_BODY = 256 * 1024
IDEMPOTENCY_HEADER = "Idempotency-Key"
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_ETAG = re.compile(r'(?:W/)?"(\d{1,15})"')
_PATH_NAME = re.compile(r"{(\w+)}")


class UnsupportedType(PublicError):
    status = 415
    code = "unsupported-media-type"
    title = "Unsupported media type"


@dataclass(frozen=True)
class Endpoint:
    """One operation of the API."""

    method: str
    path: str
    """With names in braces, below the API's prefix."""
    function: Callable[..., Any]
    status: int
    tag: str
    path_types: Mapping[str, TypeAdapter[Any]]
    body: TypeAdapter[Any] | None
    query: type[BaseModel] | None
    returns: TypeAdapter[Any] | None
    if_match: bool
    idempotent: bool
    public: bool
    """Answers people who are not signed in too."""
    raw: str | None
    """Media type of a Response that the function builds itself (a stream); None for JSON."""

    @property
    def name(self) -> str:
        return self.function.__name__


class Api:
    """A set of endpoints, registered on the app by `init_app`."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.endpoints: list[Endpoint] = []

    def get(self, path: str, **options: Any) -> Callable[[F], F]:
        return self._add("GET", path, **options)

    def post(self, path: str, **options: Any) -> Callable[[F], F]:
        """Heeds an Idempotency-Key unless `idempotent=False` (answers that hold a secret are never kept)."""
        return self._add("POST", path, **{"idempotent": True, **options})

    def patch(self, path: str, **options: Any) -> Callable[[F], F]:
        return self._add("PATCH", path, **options)

    def put(self, path: str, **options: Any) -> Callable[[F], F]:
        return self._add("PUT", path, **options)

    def delete(self, path: str, **options: Any) -> Callable[[F], F]:
        return self._add("DELETE", path, **options)

    def _add(
        self, method: str, path: str, *, status: int = 200, idempotent: bool = False, public: bool = False,
        raw: str | None = None,
    ) -> Callable[[F], F]:  # fmt: skip
        def register(function: F) -> F:
            hints = get_type_hints(function, include_extras=True)
            names = _PATH_NAME.findall(path)
            parameters = set(inspect.signature(function).parameters)
            unknown = parameters - {"work", "body", "query", "version", *names}
            if unknown:
                raise TypeError(f"{function.__name__}: parameters {unknown} are neither in {path} nor known")
            returns = None if raw or hints["return"] is type(None) else TypeAdapter(hints["return"])
            self.endpoints.append(
                Endpoint(
                    method=method, path=path, function=function, tag=self.tag, idempotent=idempotent, public=public,
                    status=204 if returns is None and not raw and status == 200 else status, raw=raw, returns=returns,
                    path_types={name: TypeAdapter(hints[name]) for name in names},
                    body=TypeAdapter(hints["body"]) if "body" in parameters else None,
                    query=hints.get("query"), if_match="version" in parameters,
                )
            )  # fmt: skip
            return function

        return register


def findings(error: ValidationError, where: str) -> list[Finding]:
    """What pydantic found, with paths that say where in the request it is."""
    found = []
    for entry in error.errors(include_url=False, include_context=False, include_input=False):
        pointer = ".".join([where, *(str(part) for part in entry["loc"])])
        found.append(Finding(pointer, entry["msg"].removeprefix("Value error, ")))
    return found


def _read_path(endpoint: Endpoint, given: Mapping[str, str], found: list[Finding]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, adapter in endpoint.path_types.items():
        try:
            values[name] = adapter.validate_python(given[name])
        except ValidationError as error:
            found.extend(findings(error, f"path.{name}"))
    return values


def _read_query(model: type[BaseModel] | None, found: list[Finding]) -> BaseModel | None:
    given: dict[str, str] = {}
    for name, values in request.args.lists():
        if not strictjson.plain_text(name) or not all(strictjson.plain_text(v) for v in values):
            found.append(Finding("query", "holds text with a NUL or half a surrogate pair"))
        elif len(values) > 1:
            found.append(Finding(f"query.{name}", "is given more than once"))
        given[name] = values[0]
    if model is None:
        found.extend(Finding(f"query.{name}", "is not known here") for name in given)
        return None
    try:
        return model.model_validate(given)
    except ValidationError as error:
        found.extend(findings(error, "query"))
        return None


def _read_body(adapter: TypeAdapter[Any] | None, found: list[Finding]) -> Any:
    raw = request.get_data(cache=True)
    if adapter is None:
        if raw and strictjson.parse(raw) != {}:
            found.append(Finding("body", "is not expected here"))
        return None
    if raw and request.mimetype != "application/json":
        raise UnsupportedType("Send the body as application/json.")
    if not raw:
        found.append(Finding("body", "is missing; send a JSON object"))
        return None
    strictjson.parse(raw)
    try:
        return adapter.validate_json(raw, strict=True)
    except ValidationError as error:
        found.extend(findings(error, "body"))
        return None


def _read_version(found: list[Finding]) -> int | None:
    given = request.headers.get("If-Match")
    if given is None or given.strip() == "*":
        return None
    match = _ETAG.fullmatch(given.strip())
    if match is None:
        found.append(Finding("header.If-Match", 'is no entity tag of ours; send the ETag as it came, such as "3"'))
        return None
    return int(match[1])


def _read_key(endpoint: Endpoint, found: list[Finding]) -> str | None:
    key = request.headers.get(IDEMPOTENCY_HEADER)
    if key is None or not endpoint.idempotent:
        return None
    if not _KEY.fullmatch(key):
        found.append(Finding(f"header.{IDEMPOTENCY_HEADER}", "must be 1 to 200 printable ASCII characters"))
    return key


def _arguments(endpoint: Endpoint, given: Mapping[str, str]) -> tuple[dict[str, Any], str | None]:
    """The function's arguments and the idempotency key. Raises Invalid with every finding."""
    found: list[Finding] = []
    arguments = _read_path(endpoint, given, found)
    query = _read_query(endpoint.query, found)
    body = _read_body(endpoint.body, found)
    if endpoint.query is not None:
        arguments["query"] = query
    if endpoint.body is not None:
        arguments["body"] = body
    if endpoint.if_match:
        arguments["version"] = _read_version(found)
    key = _read_key(endpoint, found)
    if found:
        listed = "; ".join(f"{f.pointer}: {f.message}" for f in found[:5])
        more = f"; and {len(found) - 5} more" if len(found) > 5 else ""
        raise Invalid(f"{listed}{more}", findings=found)
    return arguments, key


def _answer(endpoint: Endpoint, result: Any) -> tuple[Any, dict[str, str]]:
    """Body and headers of a result."""
    body = None if endpoint.returns is None else endpoint.returns.dump_python(result, mode="json")
    headers: dict[str, str] = {}
    shown = getattr(result, "workspace", result)
    version = getattr(shown, "version", None)
    if isinstance(version, int) and version >= 1:
        headers["ETag"] = f'"{version}"'
    operation = getattr(result, "operation", None)
    if endpoint.status == 202:
        headers["Location"] = f"/api/v1/operations/{operation or getattr(result, 'id', '')}"
    return body, headers


def _respond(status: int, body: Any, headers: Mapping[str, str]) -> Response:
    if status == 204:
        return Response(status=204, headers=dict(headers))
    return Response(json.dumps(body), status, headers=dict(headers), content_type="application/json")


def _replay(work: Work, endpoint: Endpoint, key: str) -> Response | None:
    """The answer given before to this key; None when it is new. Conflict when the request was another one."""
    account = work.principal.account_id
    if account is None:
        return None
    print_of = hashlib.sha256(
        b"\x00".join([endpoint.method.encode(), request.path.encode(), request.get_data(cache=True)])
    ).digest()
    before = repository.reserve(work.session, account, key, print_of, work.now)
    if before is None:
        return None
    if before.fingerprint != print_of:
        raise Conflict(
            f"This {IDEMPOTENCY_HEADER} was used for another request. Use a new key for a new request.",
            code="idempotency-key-reused",
        )
    response = _respond(before.status or 200, before.body, before.headers or {})
    response.headers["Idempotency-Replayed"] = "true"
    return response


def _view(endpoint: Endpoint) -> Callable[..., Response]:
    def view(**given: str) -> Response:
        with caller.runtime().work(origin=caller.origin()) as work:
            if caller.find(work) is None and not endpoint.public:
                raise Unauthenticated
            arguments, key = _arguments(endpoint, given)
            if key is not None:
                replay = _replay(work, endpoint, key)
                if replay is not None:
                    return replay
            result = endpoint.function(work, **arguments)
            if isinstance(result, Response):
                return result
            body, headers = _answer(endpoint, result)
            if key is not None and work.principal.account_id is not None:
                repository.keep(
                    work.session, work.principal.account_id, key, status=endpoint.status, body=body, headers=headers
                )
        return _respond(endpoint.status, body, headers)

    view.__name__ = endpoint.name
    return view


def init_app(app: Flask, apis: Sequence[Api], prefix: str) -> list[Endpoint]:
    """Routes for every endpoint; gives them back for the OpenAPI document."""
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    endpoints = [endpoint for api in apis for endpoint in api.endpoints]
    for endpoint in endpoints:
        rule = prefix + _PATH_NAME.sub(r"<\1>", endpoint.path)
        app.add_url_rule(rule, f"api.{endpoint.name}", _view(endpoint), methods=[endpoint.method])
    return endpoints
