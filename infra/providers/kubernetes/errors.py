"""What the plugin reports to the engine.

PluginError
├── ConfigInvalid       provider settings are wrong; a retry does not help
├── Unreachable         no answer from the API server; nothing is known, so nothing is dropped
├── ApiError            the API server refused; `status` and `reason` are its own
│   ├── NotFound        object, namespace or kind is not there
│   └── FieldConflict   another field manager owns a field that the program sets to another value
├── KindUnknown         no such kind in the cluster, usually a CRD that is not there yet
└── NotReady            the object exists but did not become ready; the engine keeps it and tries again
"""

from __future__ import annotations

from typing import Any


class PluginError(Exception):
    """Base: `str()` is shown to the operator."""


class ConfigInvalid(PluginError):
    """Provider settings that can't work."""


class Unreachable(PluginError):
    """The API server gave no answer within the retries."""


class KindUnknown(PluginError):
    """Discovery does not list the kind."""

    def __init__(self, api_version: str, kind: str) -> None:
        super().__init__(
            f"the API server knows no {kind} of {api_version}; "
            "if a custom resource definition makes it, that must come before"
        )


class ApiError(PluginError):
    """An answer with an error status."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason


class NotFound(ApiError):
    """404."""


class NamespaceEnding(ApiError):
    """403 because the namespace is being deleted; once it is gone it may be made again."""


class FieldConflict(ApiError):
    """409 of a server-side apply."""


class NotReady(PluginError):
    """The object was written but is not ready; `reasons` says what blocks, most telling first."""

    def __init__(self, message: str, reasons: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.reasons = reasons


def from_answer(status: int, body: Any, fallback: str) -> ApiError:
    """The error of a Kubernetes `Status` answer."""
    if not isinstance(body, dict):
        body = {}
    reason = str(body.get("reason") or "")
    message = str(body.get("message") or fallback or f"HTTP status {status}")
    details = body.get("details")
    causes = details.get("causes") if isinstance(details, dict) else None
    if status == 409 and any(cause.get("reason") == "FieldManagerConflict" for cause in causes or []):
        return FieldConflict(status, reason, _conflict(causes or []))
    if status == 403 and any(cause.get("reason") == "NamespaceTerminating" for cause in causes or []):
        return NamespaceEnding(status, reason, message)
    return NotFound(status, reason, message) if status == 404 else ApiError(status, reason, message)


def _conflict(causes: list[dict[str, Any]]) -> str:
    parts = [
        f"{cause.get('field', '?')} ({str(cause.get('message', '')).removeprefix('conflict with ')})"
        for cause in causes
        if cause.get("reason") == "FieldManagerConflict"
    ]
    return (
        "conflict: another field manager owns and has set differently: " + ", ".join(parts) + ". Leave the field out, "
        'or set the annotation pulumi.com/patchForce: "true" on the object to take it over'
    )
