"""Google's REST APIs: one session with the credentials of whoever runs this, errors in our words."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import google.auth
import google.auth.exceptions
import google.auth.transport.requests
import requests

from infra.clouds.model import CloudError

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_SECONDS = 30.0
_TRIES = 4
_AGAIN = frozenset({429, 500, 502, 503, 504})
_NO_CREDENTIALS = (
    "Run: gcloud auth application-default login, or set GOOGLE_APPLICATION_CREDENTIALS to the file of a workload "
    "identity configuration or service account"
)


class NoCredentials(CloudError):
    """Nobody is signed in, or not any more."""


@dataclass(eq=False)
class Refused(CloudError):
    """The API said no. `reason` is Google's word for it, such as SERVICE_DISABLED; empty where it gave none."""

    service: str
    status: int
    reason: str
    said: str

    def __str__(self) -> str:
        return f"{self.service} answered {self.status}: {self.said}"

    @property
    def remedy(self) -> str:
        """What to do about it."""
        if self.reason == "SERVICE_DISABLED":
            return f"Run: gcloud services enable {self.service}.googleapis.com"
        if self.status == 403:
            return "Ask an administrator of the project for the installer's role (docs/targets/gcp.md)."
        return "Try again later; https://status.cloud.google.com says what is wrong with Google's services."


@dataclass(frozen=True)
class Api:
    """`bases`: service → URL, for services that are not where Google has them."""

    session: google.auth.transport.requests.AuthorizedSession
    bases: Mapping[str, str] = field(default_factory=dict)
    sleep: Callable[[float], None] = time.sleep

    @property
    def who(self) -> str:
        """Whose credentials these are, as far as they say."""
        found = self.session.credentials
        account = getattr(found, "service_account_email", "") or getattr(found, "account", "")
        return str(account) if account and account != "default" else "whoever is signed in"

    def get(self, service: str, path: str, **query: Any) -> dict[str, Any]:
        """Raises Refused, NoCredentials or CloudError."""
        return self._ask("GET", service, path, query, None)

    def find(self, service: str, path: str) -> dict[str, Any] | None:
        """As `get`; None where there is no such thing."""
        try:
            return self.get(service, path)
        except Refused as refused:
            if refused.status == 404:
                return None
            raise

    def post(self, service: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Raises Refused, NoCredentials or CloudError."""
        return self._ask("POST", service, path, {}, body)

    def pages(self, service: str, path: str, items: str, **query: Any) -> Iterator[dict[str, Any]]:
        """Everything in a list of several pages. Raises as `get`."""
        token = ""
        while True:
            page = self.get(service, path, **query, **({"pageToken": token} if token else {}))
            yield from page.get(items, ())
            token = page.get("nextPageToken", "")
            if not token:
                return

    def _ask(
        self, method: str, service: str, path: str, query: Mapping[str, Any], body: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        url = self.bases.get(service, f"https://{service}.googleapis.com") + path
        for attempt in range(1, _TRIES + 1):
            try:
                answer = self.session.request(
                    method, url, params=query, json=body, timeout=_SECONDS, allow_redirects=False
                )
            except google.auth.exceptions.GoogleAuthError as error:
                raise NoCredentials(f"Google gives no access token: {error}. {_NO_CREDENTIALS}") from error
            except requests.RequestException as error:
                raise CloudError(
                    f"{service} can't be reached: {type(error).__name__}. Look at the network and its proxy"
                ) from error
            if answer.status_code not in _AGAIN or attempt == _TRIES:
                break
            self.sleep(2.0**attempt / 2)
        if answer.status_code >= 300:
            raise _refused(service, answer)
        return _document(service, answer)


def _document(service: str, answer: requests.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError as error:
        raise CloudError(f"{service} answered something that is no JSON; is there a proxy in between?") from error
    if not isinstance(found, dict):
        raise CloudError(f"{service} answered something that is no object; is there a proxy in between?")
    return found


def _refused(service: str, answer: requests.Response) -> Refused:
    try:
        error = answer.json()["error"]
        said = str(error.get("message", "")).partition("\n")[0]
        reasons = [each["reason"] for each in error.get("details", ()) if each.get("reason")]
        reasons += [each["reason"] for each in error.get("errors", ()) if each.get("reason")]
    except (ValueError, KeyError, TypeError, AttributeError):
        said, reasons = answer.reason or "nothing that could be read", []
    return Refused(service, answer.status_code, str(reasons[0]) if reasons else "", said)


def credentials(project: str = "") -> Any:
    """Application default credentials. A person's requests are counted for `project`. Raises NoCredentials."""
    try:
        found, _ = google.auth.default(scopes=[SCOPE])
    except google.auth.exceptions.GoogleAuthError as error:
        raise NoCredentials(f"No credentials for Google Cloud were found. {_NO_CREDENTIALS}") from error
    if project and not getattr(found, "service_account_email", "") and hasattr(found, "with_quota_project"):
        return found.with_quota_project(project)
    return found


def refreshed(found: Any) -> Any:
    """The same credentials with a fresh access token. Raises NoCredentials."""
    try:
        found.refresh(google.auth.transport.requests.Request())
    except google.auth.exceptions.GoogleAuthError as error:
        raise NoCredentials(f"Google gives no access token: {error}. {_NO_CREDENTIALS}") from error
    return found


def open_api(project: str) -> Api:
    """Raises NoCredentials."""
    return Api(google.auth.transport.requests.AuthorizedSession(credentials(project)))
