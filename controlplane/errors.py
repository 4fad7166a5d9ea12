"""The control plane's errors.

    ControlPlaneError                 message is for the log; the outside sees status 500 and no text of it
    ├── PublicError                   title and detail may be shown to the caller
    │   ├── Invalid                   422  the request is understood and wrong; lists every finding
    │   ├── NotFound                  404  absent, or not allowed to be seen: the same answer on purpose
    │   ├── Conflict                  409  another object or state is in the way
    │   ├── Stale                     412  the object changed since the caller read it
    │   ├── Unauthenticated           401
    │   ├── Refused                   403  the caller may see the object but a rule forbids the action
    │   ├── TooMany                   429  with Retry-After
    │   └── Unavailable               503  with Retry-After; the same call works later
    ├── Temporary                     an operation's step failed and a retry may help (backoff, then parked)
    └── Permanent                     a retry cannot help: the operation fails at once

Messages state the fact, what was expected, and what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class ControlPlaneError(Exception):
    """Base of all errors raised by this package."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a request. `pointer` says where: `body.quota.cpu`, `query.limit`."""

    pointer: str
    message: str


class PublicError(ControlPlaneError):
    """An error whose text may be shown to the caller. `code` is stable and machine-readable."""

    status = 500
    code = "error"
    title = "Error"

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        findings: Sequence[Finding] = (),
        retry_after: int | None = None,
        commit: bool = False,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or type(self).code
        self.findings = tuple(findings)
        self.retry_after = retry_after
        self.commit = commit
        """True: what the transaction wrote so far is kept (an audited refusal, a counted failure)."""


class Invalid(PublicError):
    status = 422
    code = "invalid"
    title = "The request is not valid"


class Malformed(PublicError):
    """The bytes are not what their type says (no JSON, duplicate keys, NaN, too deep)."""

    status = 400
    code = "malformed"
    title = "The request cannot be read"


class NotFound(PublicError):
    status = 404
    code = "not-found"
    title = "Not found"

    def __init__(self, detail: str = "There is no such object, or you may not see it.") -> None:
        super().__init__(detail)


class Conflict(PublicError):
    status = 409
    code = "conflict"
    title = "Conflict"


class Stale(PublicError):
    status = 412
    code = "stale"
    title = "The object has changed"


class Unauthenticated(PublicError):
    status = 401
    code = "unauthenticated"
    title = "Sign in first"

    def __init__(
        self, detail: str = "Sign in, or send a valid token as `Authorization: Bearer mlp_…`.", *, commit: bool = False
    ) -> None:
        super().__init__(detail, commit=commit)


class Refused(PublicError):
    status = 403
    code = "refused"
    title = "Refused"


class TooMany(PublicError):
    status = 429
    code = "too-many"
    title = "Too many attempts"


class Unavailable(PublicError):
    status = 503
    code = "unavailable"
    title = "Not available right now"


class Temporary(ControlPlaneError):
    """Raised by work on outside systems when trying again may help.

    `retry_after` is what the other side asked for, in seconds; None leaves the time to the backoff.
    `waiting` True: nothing is broken, something is awaited (a namespace that terminates); it does not count as a try.
    """

    def __init__(self, message: str, *, retry_after: float | None = None, waiting: bool = False) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.waiting = waiting


class Permanent(ControlPlaneError):
    """Raised by work on outside systems when trying again cannot help; the message is shown to the people concerned."""
