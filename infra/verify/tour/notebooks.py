"""A person's notebook server, by the platform's REST and the person's token alone: start, wait, run, stop."""

from __future__ import annotations

import ssl
import time
from typing import Any

import httpx

from components.notebooks.naming import HUB_PATH, server_name
from infra.api.client import Access
from infra.verify.tour.kernels import JupyterServer

_TIMEOUT = httpx.Timeout(60.0, connect=5.0)
_TOKEN_SECONDS = 600


class NotebookFailed(AssertionError):
    """The hub said no, or the server did not come; the message says what was seen."""


class Notebook:
    """The server of an account in a workspace. `access` bears the account's token."""

    def __init__(self, access: Access, account: str, tenant: str, workspace: str) -> None:
        context = ssl.create_default_context()
        if access.ca:
            context.load_verify_locations(cadata=access.ca)
        self._ca = access.ca
        self._user = f"{HUB_PATH}/api/users/{account}"
        self._server = f"{self._user}/servers/{server_name(tenant, workspace)}"
        self._http = httpx.Client(
            base_url=access.url.rstrip("/"), headers={"Authorization": f"Bearer {access.token}"}, verify=context,
            timeout=_TIMEOUT, trust_env=False,
        )  # fmt: skip

    def close(self) -> None:
        """Ends all connections; the server runs on."""
        self._http.close()

    def start(self, **options: Any) -> None:
        """Asks for the server; `options` as in the component's README. Raises NotebookFailed with the hub's words."""
        self._call("POST", self._server, {"user_options": options})

    def wait(self, seconds: float = 120.0) -> str:
        """The server's address as soon as it is ready."""
        deadline = time.monotonic() + seconds
        while True:
            found = self._call("GET", self._server)
            if found["ready"]:
                return str(found["full_url"])
            if not found["pending"]:
                raise NotebookFailed("the server did not start; its page in the hub says why")
            if time.monotonic() > deadline:
                raise NotebookFailed(f"the server was not ready after {seconds:.0f} s")
            time.sleep(0.25)

    def run(self, code: str, seconds: float = 120.0) -> str:
        """What the code prints in a kernel of the running server."""
        made = self._call("POST", f"{self._user}/tokens", {"expires_in": _TOKEN_SECONDS, "note": "tour"})
        try:
            return JupyterServer(self.wait(), made["token"], self._ca).run(code, seconds)
        finally:
            self._call("DELETE", f"{self._user}/tokens/{made['id']}")

    def stop(self, seconds: float = 60.0) -> None:
        """Ends the server and waits until it is gone; the files stay."""
        self._call("DELETE", self._server)
        deadline = time.monotonic() + seconds
        while self._call("GET", self._server)["pending"] == "stop":
            if time.monotonic() > deadline:
                raise NotebookFailed(f"the server was still there after {seconds:.0f} s")
            time.sleep(0.25)

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._http.request(method, path, json=body)
        if answer.status_code >= 400:
            raise NotebookFailed(f"{method} {path}: status {answer.status_code}: {answer.text[:300]}")
        is_json = answer.headers.get("Content-Type", "").startswith("application/json")
        return answer.json() if is_json and answer.content else None
