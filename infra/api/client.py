"""The control plane's REST API as the command line sees it: one client, problems turned into exceptions.

ApiError                    shown as it stands
├── Unreachable             no answer; the address and the reason are named
├── NotSignedIn             401: no token, or one that ended
└── Refused                 any other 4xx or 5xx, with the problem's own words and its field errors
"""

from __future__ import annotations

import ssl
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

_TIMEOUT = httpx.Timeout(30.0, connect=5.0)
FAILED_STATES = frozenset({"failed", "parked", "cancelled"})
_ENDED = FAILED_STATES | {"succeeded"}


class ApiError(Exception):
    """Base. Message: fact, expectation, remedy."""


class Unreachable(ApiError):
    """Nothing answered at the address."""


class NotSignedIn(ApiError):
    """The API does not know who calls."""


class Refused(ApiError):
    """The API said no. `status` is the HTTP status, `code` the problem's machine-readable name."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        self.status = status
        self.code = code
        super().__init__(message)


@dataclass(frozen=True)
class Access:
    """Where the API is and how to be let in. `ca` is PEM text, empty for the system's authorities."""

    url: str
    token: str = ""
    ca: str = ""

    def __repr__(self) -> str:
        return f"Access({self.url!r})"


class Client:
    """One connection pool to one control plane."""

    def __init__(self, access: Access) -> None:
        context = ssl.create_default_context()
        if access.ca:
            context.load_verify_locations(cadata=access.ca)
        headers = {"Accept": "application/json", "User-Agent": "mlp-cli"}
        if access.token:
            headers["Authorization"] = f"Bearer {access.token}"
        self.access = access
        self._url = access.url.rstrip("/")
        self._http = httpx.Client(
            base_url=f"{self._url}/api/v1", headers=headers, verify=context, timeout=_TIMEOUT, trust_env=False
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends all connections."""
        self._http.close()

    def get(self, path: str, **query: Any) -> Any:
        """The JSON document at a path. Query values of None are left out."""
        return self._call("GET", path, params={k: v for k, v in query.items() if v is not None})

    def post(self, path: str, body: Any = None) -> Any:
        """Sends a change; safe to repeat after a broken connection (it carries an idempotency key)."""
        return self._call("POST", path, json=body if body is not None else {}, headers=_idempotent())

    def patch(self, path: str, body: Any, etag: str | None = None) -> Any:
        return self._call("PATCH", path, json=body, headers={"If-Match": etag} if etag else {})

    def put(self, path: str, body: Any) -> Any:
        return self._call("PUT", path, json=body)

    def delete(self, path: str) -> Any:
        return self._call("DELETE", path)

    def outside(self, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Any:
        """GET of a path of the gateway that is not the control plane's API, with the same identity."""
        return self._call("GET", f"{self._url}{path}", params=dict(query), headers=dict(headers))

    def outside_post(self, path: str, body: Any, headers: Mapping[str, str]) -> Any:
        """POST to such a path."""
        return self._call("POST", f"{self._url}{path}", json=body, headers=dict(headers))

    def every(self, path: str, **query: Any) -> Iterator[dict[str, Any]]:
        """Every item of a paged list, page by page."""
        cursor: str | None = None
        while True:
            page = self.get(path, cursor=cursor, limit=200, **query)
            yield from page["items"]
            cursor = page["next"]
            if not cursor:
                return

    def wait(self, operation: str, seconds: float, every: float = 0.25) -> dict[str, Any]:
        """The operation once it has ended, or as it stands after `seconds`."""
        deadline = time.monotonic() + seconds
        while True:
            current: dict[str, Any] = self.get(f"/operations/{operation}")
            if current["state"] in _ENDED or time.monotonic() >= deadline:
                return current
            time.sleep(every)

    def _call(self, method: str, path: str, **options: Any) -> Any:
        try:
            answer = self._request(method, path, **options)
        except httpx.HTTPError as error:
            raise Unreachable(
                f"The control plane at {self._url} does not answer: {error}. See: platform status"
            ) from error
        if answer.status_code == 401:
            raise NotSignedIn("Not signed in, or the token has ended. Run: platform login")
        if answer.status_code >= 400:
            raise _refusal(answer)
        return answer.json() if answer.content else None

    def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Tries again where that cannot do a thing twice: the call never left, or the server asks for it."""
        for attempt in range(4):
            last = attempt == 3
            try:
                answer = self._http.request(method, path, **options)
            except httpx.ConnectError:
                if last:
                    raise
            else:
                if answer.status_code not in (429, 503) or last:
                    return answer
            time.sleep(0.3 * 2**attempt)
        raise AssertionError("unreachable")


def _idempotent() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid.uuid4())}


def _refusal(answer: httpx.Response) -> Refused:
    try:
        problem = answer.json()
        if not isinstance(problem, dict):
            raise ValueError
    except ValueError:
        return Refused(answer.status_code, f"The control plane answered {answer.status_code} without a reason.")
    message = str(problem.get("detail") or problem.get("title") or f"status {answer.status_code}")
    errors = problem.get("errors")
    if isinstance(errors, list):
        lines = [
            f"  {item.get('field') or item.get('path') or '(body)'}: {item.get('message') or item.get('detail')}"
            for item in errors
            if isinstance(item, dict)
        ]
        message = "\n".join([message, *lines])
    return Refused(answer.status_code, message, str(problem.get("code", "")))
