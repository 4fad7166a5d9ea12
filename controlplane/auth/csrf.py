"""Proof that a cookie-authenticated change comes from our own pages. Pure."""

from __future__ import annotations

import hashlib
import hmac
from typing import Protocol
from urllib.parse import urlsplit

FORM_FIELD = "csrf_token"
HEADER = "X-CSRF-Token"


class Headers(Protocol):
    """Case-insensitive request headers."""

    def get(self, key: str, /) -> str | None: ...


def csrf_token(session_secret: str) -> str:
    """Derived from the session's secret, so that nothing is stored and a new session has a new one."""
    return hmac.new(session_secret.encode(), b"csrf", hashlib.sha256).hexdigest()


def csrf_matches(session_secret: str, given: str | None) -> bool:
    """Constant time. False for None."""
    return given is not None and hmac.compare_digest(csrf_token(session_secret).encode(), given.encode())


def _origin(url: str) -> tuple[str, str, int | None] | None:
    try:
        parts = urlsplit(url)
        return parts.scheme, (parts.hostname or "").lower(), parts.port
    except ValueError:
        return None


def same_origin(headers: Headers, public_url: str) -> bool:
    """Whether a browser says that the request comes from `public_url`.

    `Sec-Fetch-Site`, where sent, must be `same-origin`; `Origin`, where sent, must be ours. A client that sends
    neither is no browser with a cookie to steal: True, and the token still has to match.
    """
    site = headers.get("Sec-Fetch-Site")
    if site is not None and site != "same-origin":
        return False
    origin = headers.get("Origin")
    return origin is None or (_origin(origin) is not None and _origin(origin) == _origin(public_url))
