"""Azure Resource Manager with the identity of the control plane's own pod, and its errors as ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from azure.core.exceptions import AzureError, HttpResponseError
from azure.identity import WorkloadIdentityCredential
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.msi import ManagedServiceIdentityClient
from azure.mgmt.storage import StorageManagementClient

from controlplane.storage.errors import StorageAway, StorageRefused

_PASSING = frozenset({
    "AnotherOperationInProgress", "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity",
    "ContainerBeingDeleted", "StorageAccountOperationInProgress",
})  # fmt: skip
"""Codes of refusals that pass by themselves."""


@dataclass(frozen=True)
class Clients:
    """Threads may share them. No call is repeated by a client: operations come back by themselves."""

    identities: Any
    authorization: Any
    storage: Any

    @classmethod
    def connect(cls, subscription: str, credential: Any = None, **options: Any) -> Clients:
        """`options` are those of every client, such as `base_url`."""
        settings = {"retry_total": 0, "connection_timeout": 5, "read_timeout": 30, **options}
        known = credential or WorkloadIdentityCredential()
        return cls(
            ManagedServiceIdentityClient(known, subscription, **settings),
            AuthorizationManagementClient(known, subscription, **settings),
            StorageManagementClient(known, subscription, **settings),
        )

    def close(self) -> None:
        """Closes every connection."""
        for client in (self.identities, self.authorization, self.storage):
            client.close()


@contextmanager
def translated(call: str) -> Iterator[None]:
    """StorageAway where a later try may succeed, else StorageRefused with the error's code."""
    try:
        yield
    except HttpResponseError as error:
        if error.response is None:
            raise StorageAway(f"Azure does not answer {call}: {type(error).__name__}") from error
        status = int(error.status_code or 0)
        code = str(getattr(error.error, "code", None) or status)
        if status in (408, 429) or status >= 500 or code in _PASSING:
            asked = str(error.response.headers.get("Retry-After", ""))
            wait = float(asked) if asked.isdecimal() else None
            raise StorageAway(f"Azure answered {call} with {status} {code}", retry_after=wait) from error
        raise StorageRefused(call, status, code, "Azure") from error
    except AzureError as error:
        raise StorageAway(f"Azure does not answer {call}: {type(error).__name__}") from error
