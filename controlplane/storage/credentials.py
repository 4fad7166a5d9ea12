"""A workspace's S3 credentials: derived, so nothing is stored and a retry arrives at the same ones. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, field

from controlplane.reconcile.model import WorkspaceSpec

_CONTEXT = "mlp/workspace-storage/v1"


@dataclass(frozen=True)
class Credentials:
    """Access key and secret key."""

    access: str
    secret: str = field(repr=False)


def bucket_name(spec: WorkspaceSpec) -> str:
    """The bucket is called like the namespace, which is a valid and unique bucket name."""
    return spec.namespace


def credentials(key: bytes, spec: WorkspaceSpec) -> Credentials:
    """The workspace's own; another uid or rotation gives another secret key."""
    return Credentials(bucket_name(spec), _derive(key, "open", spec))


def sealed(key: bytes, spec: WorkspaceSpec) -> Credentials:
    """What the user gets while the workspace is suspended: a secret key that no one is ever told."""
    return Credentials(bucket_name(spec), _derive(key, "sealed", spec))


def _derive(key: bytes, purpose: str, spec: WorkspaceSpec) -> str:
    if len(key) < 32:
        raise ValueError("the key that storage credentials derive from needs at least 32 bytes")
    text = "\0".join((_CONTEXT, purpose, spec.uid, str(spec.rotation)))
    digest = hmac.digest(key, text.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
