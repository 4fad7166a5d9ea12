"""Stack secrets at rest, in the Pulumi CLI's own passphrase format, without a process start per value.

A stack's settings file holds `encryptionsalt: v1:<salt>:v1:<nonce>:<sealed "pulumi">` and per secret
`{secure: v1:<nonce>:<sealed>}`; the key is PBKDF2-SHA256 of passphrase and salt, the seal AES-256-GCM.
`pulumi config --show-secrets` reads what is written here, and the other way round.
"""

from __future__ import annotations

import base64
import hashlib
import os
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_ITERATIONS = 1_000_000
_KNOWN = "pulumi"


class VaultError(ValueError):
    """A sealed value is not in the expected form, or was sealed with another passphrase."""


@lru_cache(maxsize=8)
def _key(passphrase: str, salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", passphrase.encode(), salt, _ITERATIONS, 32)


@dataclass(frozen=True)
class Vault:
    """Seals and opens the secrets of one stack."""

    state: str
    """The stack's `encryptionsalt`; not secret."""
    _cipher: AESGCM

    @classmethod
    def create(cls, passphrase: str) -> Vault:
        """A vault with a fresh salt."""
        salt = os.urandom(8)
        cipher = AESGCM(_key(passphrase, salt))
        return cls(f"v1:{base64.b64encode(salt).decode()}:{_seal(cipher, _KNOWN)}", cipher)

    @classmethod
    def load(cls, state: str, passphrase: str) -> Vault:
        """The vault of an `encryptionsalt`. Raises VaultError when the passphrase is not the one it was made with."""
        version, _, rest = state.partition(":")
        salt, _, known = rest.partition(":")
        if version != "v1" or not known:
            raise VaultError("the encryption salt is not in the form v1:<salt>:<known value>")
        cipher = AESGCM(_key(passphrase, base64.b64decode(salt)))
        if _open(cipher, known) != _KNOWN:
            raise VaultError("the passphrase does not open the stack's secrets")
        return cls(state, cipher)

    def seal(self, text: str) -> str:
        """The encrypted form of a text; differs at every call."""
        return _seal(self._cipher, text)

    def open(self, sealed: str) -> str:
        """The text again. Raises VaultError."""
        return _open(self._cipher, sealed)


def _seal(cipher: AESGCM, text: str) -> str:
    nonce = os.urandom(12)
    sealed = cipher.encrypt(nonce, text.encode(), None)
    return f"v1:{base64.b64encode(nonce).decode()}:{base64.b64encode(sealed).decode()}"


def _open(cipher: AESGCM, sealed: str) -> str:
    parts = sealed.split(":")
    if len(parts) != 3 or parts[0] != "v1":
        raise VaultError("a sealed value is not in the form v1:<nonce>:<sealed>")
    try:
        return cipher.decrypt(base64.b64decode(parts[1]), base64.b64decode(parts[2]), None).decode()
    except (InvalidTag, ValueError) as error:
        raise VaultError("the passphrase does not open the stack's secrets") from error
