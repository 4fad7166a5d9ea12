"""What can go wrong with the Kubernetes API.

    KubeError
    ├── Unreachable          (Temporary)  no answer: connection, TLS, time-out
    └── ApiError                          the API server answered with a Status
        ├── Throttled        (Temporary)  429
        ├── ServerFailure    (Temporary)  5xx
        ├── NotFound         (Permanent)  404
        ├── AlreadyExists    (Permanent)  409 on create
        ├── Conflict         (Temporary)  409 otherwise: a precondition or another writer
        ├── Expired          (Temporary)  410: the resource version is gone, list again
        ├── Terminating      (Temporary)  403 because the namespace is being deleted
        ├── Forbidden        (Permanent)  401, 403: authorisation, admission or quota
        └── Rejected         (Permanent)  400, 422 and every other refusal

Temporary and Permanent are the worker's own classes, so an operation's step may let all of these pass. Throttled,
ServerFailure and Unreachable are raised only after the client's own bounded retries.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controlplane.errors import ControlPlaneError, Permanent, Temporary


class KubeError(ControlPlaneError):
    """Base of all errors of this package."""


class Unreachable(Temporary, KubeError):
    """No answer from the API server."""


class ApiError(KubeError):
    """The API server refused. `code` is the HTTP status, `reason` the Status reason, such as `NotFound`."""

    code = 0
    reason = ""
    said = ""
    """The API server's own sentence, without the request and the code."""
    causes: tuple[str, ...] = ()
    """Reasons of the single causes, such as `FieldValueInvalid`."""
    fields: tuple[str, ...] = ()
    """Fields the causes speak of, such as `roleRef`."""


class Throttled(Temporary, ApiError):
    """Too many requests, also after waiting as long as asked."""


class ServerFailure(Temporary, ApiError):
    """The API server failed."""


class NotFound(Permanent, ApiError):
    """The object, its namespace or its kind is absent."""


class AlreadyExists(Permanent, ApiError):
    """An object of that name is there already."""


class Conflict(Temporary, ApiError):
    """Another uid, version or field owner than expected."""


class Expired(Temporary, ApiError):
    """The resource version is too old to watch from."""


class Terminating(Temporary, ApiError):
    """The namespace is being deleted and takes no new objects."""


class Forbidden(Permanent, ApiError):
    """Authentication, authorisation, an admission policy or a quota said no."""


class Rejected(Permanent, ApiError):
    """The API server understood the request and found it wrong."""


def from_status(code: int, body: Mapping[str, Any], request: str, retry_after: float | None = None) -> KubeError:
    """The error for an answer. `request` is `VERB path`, `body` the Status (or whatever came instead).

    Texts of the API server are kept: they hold names, never the content of secrets.
    """
    reason = str(body.get("reason") or "")
    details = body.get("details") or {}
    parts = details.get("causes") or ()
    causes = tuple(str(cause.get("reason") or "") for cause in parts)
    error = _kind(code, reason, causes)
    message = f"{request}: {code} {reason}: {body.get('message') or 'no message'}"
    result = error(message, retry_after=retry_after) if issubclass(error, Temporary) else error(message)
    result.code, result.reason, result.causes = code, reason, causes
    result.said = str(body.get("message") or "no message")
    result.fields = tuple(str(cause.get("field") or "") for cause in parts)
    return result


def _kind(code: int, reason: str, causes: tuple[str, ...]) -> type[ApiError]:
    if code == 403 and "NamespaceTerminating" in causes:
        return Terminating
    if code == 409 and reason == "AlreadyExists":
        return AlreadyExists
    if code >= 500:
        return ServerFailure
    by_code: dict[int, type[ApiError]] = {
        401: Forbidden, 403: Forbidden, 404: NotFound, 409: Conflict, 410: Expired, 429: Throttled,
    }  # fmt: skip
    return by_code.get(code, Rejected)
