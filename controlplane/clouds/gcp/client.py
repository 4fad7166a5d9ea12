"""Cloud Storage with the identity of the control plane's own pod, and its errors as ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.client import responses

import google.auth.exceptions
import requests.exceptions
from google.api_core.exceptions import GoogleAPICallError
from google.cloud import storage

from controlplane.storage.errors import StorageAway, StorageRefused

TIMEOUT = (5.0, 30.0)
"""To connect, to answer; seconds. No call is repeated by the client: operations come back by themselves."""


def connect(project: str) -> storage.Client:
    """Threads may share it."""
    return storage.Client(project=project)


@contextmanager
def translated(call: str) -> Iterator[None]:
    """StorageAway where a later try may succeed, else StorageRefused whose code is the status in words."""
    try:
        yield
    except GoogleAPICallError as error:
        status = int(error.code or 0)
        if status in (408, 429) or status >= 500:
            headers = getattr(error.response, "headers", None) or {}
            asked = str(headers.get("Retry-After", ""))
            wait = float(asked) if asked.isdecimal() else None
            raise StorageAway(f"Google Cloud Storage answered {call} with {status}", retry_after=wait) from error
        raise StorageRefused(call, status, responses.get(status, "refused"), "Google Cloud Storage") from error
    except (google.auth.exceptions.GoogleAuthError, requests.exceptions.RequestException) as error:
        raise StorageAway(f"Google Cloud Storage does not answer {call}: {type(error).__name__}") from error
