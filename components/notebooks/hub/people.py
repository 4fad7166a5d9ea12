"""Asks the control plane which groups a person is in now, for calls that do not come through the gateway."""

from __future__ import annotations

import time
from collections.abc import Callable

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

from components.notebooks.hub.caller import GROUPS_HEADER, USER_HEADER, Caller, person

SECRET_HEADER = "X-Mlp-Notebooks-Secret"  # noqa: S105 - a name
_MOST = 10_000


class Unknowable(Exception):
    """The control plane does not answer."""


class People:
    """Answers are remembered for `seconds`, so that a change of rights acts after that time at most."""

    def __init__(
        self, url: str, secret: str, seconds: float = 4.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = url
        self._secret = secret
        self._seconds = seconds
        self._clock = clock
        self._known: dict[str, tuple[float, Caller | None]] = {}

    async def find(self, account: str) -> Caller | None:
        """The person with their groups; None for an account that is unknown, disabled or without an active tenant.

        Raises Unknowable.
        """
        now = self._clock()
        known = self._known.get(account)
        if known is not None and known[0] > now:
            return known[1]
        if len(self._known) > _MOST:
            self._known.clear()
        found = await self._ask(account)
        self._known[account] = (now + self._seconds, found)
        return found

    async def _ask(self, account: str) -> Caller | None:
        request = HTTPRequest(
            f"{self._url}/internal/people/{account}",
            headers={SECRET_HEADER: self._secret},
            connect_timeout=2,
            request_timeout=5,
            follow_redirects=False,
        )
        try:
            answer = await AsyncHTTPClient().fetch(request)
        except HTTPClientError as error:
            if error.code in (403, 404):
                return None
            raise Unknowable(f"the control plane answered {error.code}") from error
        except OSError as error:
            raise Unknowable("the control plane does not answer") from error
        found = person(answer.headers.get(USER_HEADER, ""), answer.headers.get(GROUPS_HEADER, ""))
        return found if found is not None and found.account == account else None
