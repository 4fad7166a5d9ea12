"""One-time notices: what a page says after the redirect that ended a change.

They travel in a cookie signed with the session's secret, so that nobody else can put words on a page. Pure.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import asdict, dataclass
from typing import Literal

COOKIE = "__Host-mlp_notice"
_LONGEST = 2000


@dataclass(frozen=True)
class Notice:
    kind: Literal["success", "info", "warning", "danger"]
    text: str
    link: str = ""
    link_text: str = ""


def _mac(session_secret: str, body: bytes) -> str:
    return hmac.new(session_secret.encode(), b"notice:" + body, hashlib.sha256).hexdigest()


def pack(notice: Notice, session_secret: str) -> str:
    body = base64.urlsafe_b64encode(json.dumps(asdict(notice)).encode())
    return f"{body.decode()}.{_mac(session_secret, body)}"


def unpack(cookie: str | None, session_secret: str) -> Notice | None:
    """None when there is none, or when it was not signed within the reader's sign-in."""
    if not cookie or len(cookie) > _LONGEST or cookie.count(".") != 1:
        return None
    body, mac = cookie.split(".")
    if not hmac.compare_digest(_mac(session_secret, body.encode()).encode(), mac.encode()):
        return None
    try:
        return Notice(**json.loads(base64.urlsafe_b64decode(body)))
    except (ValueError, TypeError):
        return None
