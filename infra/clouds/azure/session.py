"""Azure's clients with one person's credentials: they ask and change nothing, not even by themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from azure.core import PipelineClient
from azure.core.exceptions import AzureError, HttpResponseError
from azure.core.pipeline import policies
from azure.core.rest import HttpRequest
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.compute import ComputeManagementClient
from azure.mgmt.network import NetworkManagementClient
from azure.mgmt.resource.resources import ResourceManagementClient
from azure.mgmt.resourcegraph import ResourceGraphClient
from azure.mgmt.storage import StorageManagementClient

from infra.clouds.model import CloudError

MANAGEMENT = "https://management.azure.com"
PRICES = "https://prices.azure.com"
_TIMEOUT = 30
"""Seconds, for a connection and for an answer."""
_NOT_THERE = 404


@dataclass(frozen=True)
class Session:
    """Credentials and where they lead."""

    subscription: str
    tenant: str
    credential: Any = field(repr=False)
    authentication: Any = field(repr=False)
    """The policy that signs requests."""
    base: str = MANAGEMENT
    prices: str = PRICES
    retries: int = 4

    def compute(self) -> ComputeManagementClient:
        return ComputeManagementClient(self.credential, self.subscription, **self._client())

    def network(self) -> NetworkManagementClient:
        return NetworkManagementClient(self.credential, self.subscription, **self._client())

    def resources(self) -> ResourceManagementClient:
        return ResourceManagementClient(self.credential, self.subscription, **self._client())

    def storage(self) -> StorageManagementClient:
        return StorageManagementClient(self.credential, self.subscription, **self._client())

    def authorization(self) -> AuthorizationManagementClient:
        return AuthorizationManagementClient(self.credential, self.subscription, **self._client())

    def graph(self) -> ResourceGraphClient:
        return ResourceGraphClient(self.credential, **self._client())

    def ask(self, path: str, version: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """What no client of the SDK here asks: a GET, or a POST with `body`. Raises AzureError."""
        client = PipelineClient(self.base, policies=self._policies())
        request = HttpRequest(
            "GET" if body is None else "POST", f"{self.base}{path}", params={"api-version": version}, json=body
        )
        return self._send(client, request)

    def exists(self, identity: str, version: str) -> bool:
        """Whether there is a resource of this id that the credentials may see. Raises AzureError."""
        try:
            self.ask(identity, version)
        except HttpResponseError as error:
            if error.status_code == _NOT_THERE:
                return False
            raise
        return True

    def price_pages(self, query: str) -> Iterator[list[dict[str, Any]]]:
        """Lines of the price list, page by page. Needs no credentials and sends none. Raises AzureError."""
        client = PipelineClient(self.prices, policies=self._policies(signed=False))
        parameters: dict[str, str] = {"currencyCode": "USD", "$filter": query}
        while True:
            page = self._send(client, HttpRequest("GET", f"{self.prices}/api/retail/prices", params=parameters))
            yield page.get("Items", [])
            skipped = re.search(r"[?&](?:\$|%24)skip=(\d+)", str(page.get("NextPageLink") or ""))
            if skipped is None or parameters.get("$skip") == skipped[1]:
                return
            parameters = {**parameters, "$skip": skipped[1]}

    def _client(self) -> dict[str, Any]:
        return {
            "base_url": self.base,
            "policies": self._policies(),
            "connection_timeout": _TIMEOUT,
            "read_timeout": _TIMEOUT,
        }

    def _policies(self, *, signed: bool = True) -> list[Any]:
        """The SDK's own ones but those that log and those that register resource providers on first use."""
        return [
            policies.RequestIdPolicy(),
            policies.HeadersPolicy(),
            policies.UserAgentPolicy("mlp"),
            policies.ProxyPolicy(),
            policies.ContentDecodePolicy(),
            policies.RetryPolicy(retry_total=self.retries, retry_backoff_max=30, timeout=_TIMEOUT * 4),
            *([self.authentication] if signed else []),
        ]

    @staticmethod
    def _send(client: Any, request: HttpRequest) -> dict[str, Any]:
        answer = client.send_request(request, connection_timeout=_TIMEOUT, read_timeout=_TIMEOUT)
        answer.raise_for_status()
        found = answer.json()
        if not isinstance(found, dict):
            raise CloudError(f"Azure answered {request.url.partition('?')[0]} with no object; try again later")
        return found


class OfTenant:
    """Tokens of one tenant, whichever the credentials would choose themselves: a person may be at home in another."""

    def __init__(self, credential: Any, tenant: str) -> None:
        self._credential = credential
        self._tenant = tenant

    def get_token(self, *scopes: str, **given: Any) -> Any:
        return self._credential.get_token(*scopes, **{**given, "tenant_id": self._tenant})


def session(subscription: str, tenant: str) -> Session:
    """With the credentials that `az login`, the environment or the machine's identity gives. Asks nothing yet."""
    from azure.core.pipeline.policies import BearerTokenCredentialPolicy
    from azure.identity import DefaultAzureCredential

    credential = OfTenant(DefaultAzureCredential(), tenant)
    return Session(subscription, tenant, credential, BearerTokenCredentialPolicy(credential, f"{MANAGEMENT}/.default"))


def words(error: Exception) -> str:
    """Azure's own words in one line. SDK errors hold no credential."""
    inner = getattr(error, "error", None)
    text = getattr(inner, "message", None) or getattr(error, "message", None) or str(error)
    return " ".join(str(text).split())[:400]


__all__ = ["AzureError", "Session", "session", "words"]
