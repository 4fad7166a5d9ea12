"""What every page of the console carries so that a browser protects it: one place, nothing per view.

Scripts run by nonce only, nothing is evaluated, no page may be framed, nothing is kept by caches.
"""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from flask import Response, g

_FIXED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def nonce() -> str:
    """The nonce of this response's scripts: 128 bits, made on first use."""
    if "console_nonce" not in g:
        g.console_nonce = secrets.token_urlsafe(16)
    value: str = g.console_nonce
    return value


def content_security_policy(script_nonce: str) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'nonce-{script_nonce}'",
            "style-src 'self'",
            "img-src 'self'",
            "font-src 'self'",
            "connect-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


def set_headers(response: Response) -> Response:
    """For every answer of the console. Pages are never stored; assets set their own Cache-Control before."""
    response.headers.setdefault("Content-Security-Policy", content_security_policy(nonce()))
    response.headers.setdefault("Cache-Control", "no-store")
    for name, value in _FIXED.items():
        response.headers.setdefault(name, value)
    return response


def local_path(target: str | None, default: str) -> str:
    """`target` when it is a path of this very site, else `default`.

    Refused: another host or scheme, `//host`, a backslash (browsers read it as a slash), control characters.
    """
    if not target or not target.startswith("/") or target.startswith("//") or "\\" in target:
        return default
    if any(ord(c) < 0x20 or ord(c) == 0x7F for c in target):
        return default
    parts = urlsplit(target)
    return default if parts.scheme or parts.netloc else target
