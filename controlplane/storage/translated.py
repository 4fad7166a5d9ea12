"""botocore's errors as ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from controlplane.storage.errors import StorageAway, StorageRefused

_PASSING = frozenset({
    "ConcurrentModification", "ExpiredToken", "ExpiredTokenException", "LimitExceededException", "OperationAborted",
    "RequestLimitExceeded", "ResourceInUseException", "SlowDown", "Throttling", "ThrottlingException",
    "TooManyRequestsException",
})  # fmt: skip
"""Codes that come with status 400 or 409 and pass by themselves: too many calls, or another one at work."""


@contextmanager
def translated(call: str, who: str = "object storage") -> Iterator[None]:
    """StorageAway where a later try may succeed, else StorageRefused with the error's code."""
    try:
        yield
    except ClientError as error:
        answer: Mapping[str, Any] = error.response.get("ResponseMetadata", {})
        status, code = int(answer.get("HTTPStatusCode", 0)), str(error.response.get("Error", {}).get("Code"))
        if status == 429 or status >= 500 or code in _PASSING:
            asked = str(answer.get("HTTPHeaders", {}).get("retry-after", ""))
            wait = float(asked) if asked.isdecimal() else None
            raise StorageAway(f"the {who} answered {call} with {status} {code}", retry_after=wait) from error
        raise StorageRefused(call, status, code, who) from error
    except BotoCoreError as error:
        raise StorageAway(f"the {who} does not answer {call}: {type(error).__name__}") from error
