"""Secrets of an installation: all derived from one random root key, so nothing else has to be kept or can be lost.

A secret is HMAC-SHA256(root key, "mlp/v1/" + name), URL-safe base64 without padding: 43 characters, 256 bits. Deriving
instead of storing makes `up` idempotent after any crash; rotating is a new name (`admin-password.2`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from pathlib import Path

from infra.installation.home import Home, write_private

_KEY_BYTES = 32


class SecretSource:
    """Derives secrets of one installation."""

    def __init__(self, root_key: bytes) -> None:
        if len(root_key) != _KEY_BYTES:
            raise ValueError("the root key must be 32 bytes; restore root.key of this installation from a backup")
        self._root_key = root_key

    def __repr__(self) -> str:
        return "SecretSource(…)"

    def get(self, name: str) -> str:
        """The secret of that name; the same at every call."""
        digest = hmac.new(self._root_key, b"mlp/v1/" + name.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def open_secrets(home: Home) -> SecretSource:
    """The installation's secrets; makes the root key at the first call."""
    if not home.root_key.exists():
        home.create()
        write_private(home.root_key, secrets.token_bytes(_KEY_BYTES))
    return SecretSource(_read(home.root_key))


def _read(path: Path) -> bytes:
    return path.read_bytes()
