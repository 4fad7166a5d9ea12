"""No login: the gateway says who calls, and the control plane says whether a token's owner is still somebody."""

from __future__ import annotations

from typing import Any

from jupyterhub.auth import Authenticator
from jupyterhub.handlers import BaseHandler
from tornado import web

from components.notebooks.hub.caller import Caller
from components.notebooks.hub.people import People, Unknowable


class NoLogin(BaseHandler):
    """Stands where a login page would be."""

    async def get(self) -> None:
        """Whoever gets here came past the gateway."""
        raise web.HTTPError(403, "Sign in at the platform.")

    post = get


class GatewayAuthenticator(Authenticator):
    """Accounts are made when the gateway first names them. Nothing of a person is kept but the name."""

    people: People
    """Set on the class before the hub starts."""

    async def authenticate(self, handler: Any, data: Any) -> None:
        """Nobody signs in here."""
        del handler, data

    def get_handlers(self, app: Any) -> list[tuple[str, type[BaseHandler]]]:
        """Before JupyterHub's own of the same address."""
        del app
        return [("/login", NoLogin)]

    async def refresh_user(self, user: Any, handler: Any = None, **more: Any) -> bool:
        """Whether the account is still in use. Who comes through the gateway was asked for just now.

        A control plane that does not answer makes everybody unknown until it does.
        """
        del more
        caller: Caller | None = getattr(handler, "gateway_caller", None)
        if caller is not None and caller.account == user.name:
            return True
        try:
            return await self.people.find(user.name) is not None
        except Unknowable as error:
            self.log.warning("cannot tell about %s: %s", user.name, error)
            return False

    async def pre_spawn_start(self, user: Any, spawner: Any) -> None:  # noqa: ARG002 - JupyterHub's own signature
        """The server's OAuth client answers on the server's own origin and on no other."""
        spawner.orm_spawner.oauth_client.redirect_uri = f"{spawner.public_url}oauth_callback"
