"""Logins to registries of one's own, where container tools keep them."""

from __future__ import annotations

import base64
import binascii
import json
import os
from pathlib import Path

from infra.supply.errors import PushFailed
from infra.supply.push import Credentials


def kept_login(host: str) -> Credentials | None:
    """What `docker login` (or podman, skopeo, ...) kept for a host, or None: then the registry must be open.

    Raises PushFailed where the file can't be read, or keeps logins in a helper, which is not asked.
    """
    path = Path(os.environ.get("DOCKER_CONFIG", Path.home() / ".docker")) / "config.json"
    try:
        document = json.loads(path.read_text("utf-8"))
        kept = document.get("auths", {}).get(host, {}).get("auth", "")
        user, _, password = base64.b64decode(kept, validate=True).decode().partition(":")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, AttributeError, binascii.Error) as error:
        raise PushFailed(f"The logins in {path} can't be read: {error}. Sign in to {host} again.") from error
    if not kept and (host in document.get("credHelpers", {}) or document.get("credsStore")):
        raise PushFailed(
            f"The login to {host} is kept by a helper that {path} names. Keep it in the file itself for the push."
        )
    return Credentials(user, password) if kept else None
