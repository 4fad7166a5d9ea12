"""What the hub's pages and API do differently here: the gateway says who calls, and RBAC decides who may start."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from jupyterhub.handlers import BaseHandler
from tornado import web

from components.notebooks.hub.authority import Authority
from components.notebooks.hub.caller import Caller, caller_of, from_gateway
from components.notebooks.hub.people import People, Unknowable
from components.notebooks.naming import workspace_of

_SESSION = "platform"


def end_transaction(session: Any) -> None:
    """JupyterHub reads in one transaction without an end, which the server ends after minutes, connection and all.

    Objects stay as they are read (expire_on_commit is off). What others are changing right now is left to them.
    """
    if not (session.new or session.dirty or session.deleted):
        session.commit()


class FromGateway:
    """Goes before a handler of JupyterHub (`behind_gateway`).

    The gateway sends no cookie and no token here, and has refused changes that come from other origins. So its word
    stands in place of JupyterHub's login cookie and of its XSRF token, and both go without cookies.
    """

    request: Any
    settings: Any
    current_user: Any

    @cached_property
    def gateway_caller(self) -> Caller | None:
        """The person whom the gateway names in this request."""
        return caller_of(self.request.headers, self.settings["gateway_secret"])

    def get_current_user_cookie(self) -> Any:
        caller = self.gateway_caller
        if caller is None:
            return None
        user = self.user_from_username(caller.account)  # type: ignore[attr-defined]
        if self._record_activity(user):  # type: ignore[attr-defined]
            self.settings["db"].commit()
        return user

    def check_xsrf_cookie(self) -> None:
        if self.gateway_caller is None:
            super().check_xsrf_cookie()  # type: ignore[misc]

    def get_session_cookie(self) -> Any:
        return _SESSION

    def set_session_cookie(self) -> str:
        return _SESSION

    def on_finish(self) -> None:
        super().on_finish()  # type: ignore[misc]
        end_transaction(self.settings["db"])

    def server_model(self, spawner: Any, *, user: Any = None) -> dict[str, Any]:
        """`full_url` is the address on the server's own origin."""
        model: dict[str, Any] = super().server_model(spawner, user=user)  # type: ignore[misc]
        owner = user or spawner.user
        return {**model, "full_url": owner.server_url(spawner.name)}

    async def _check_named_server_request(
        self, user: Any, server_name: str, display_name: str, check_limit: bool = True
    ) -> None:
        """In place of JupyterHub's rule for names: `<tenant>--<workspace>`, and the right to run pods there."""
        del display_name, check_limit
        await self.require_right(user, server_name)

    async def spawn_single_user(
        self, user: Any, server_name: str = "", display_name: str = "", options: Any = None
    ) -> Any:
        await self.require_right(user, server_name)
        return await super().spawn_single_user(user, server_name, display_name, options)  # type: ignore[misc]

    async def stop_single_user(self, user: Any, server_name: str = "") -> Any:
        # A token for one tenant reaches nothing in another; the hub's own services stop whatever they must.
        if self.gateway_caller is not None:
            await self.require_right(user, server_name)
        return await super().stop_single_user(user, server_name)  # type: ignore[misc]

    async def require_right(self, user: Any, server_name: str) -> None:
        """Raises HTTPError unless the caller is the server's owner and may run pods in its workspace."""
        place = workspace_of(server_name)
        if place is None:
            raise _said(400, "A server is named by its workspace: <tenant>--<workspace>.")
        people: People = self.settings["people"]
        authority: Authority = self.settings["authority"]
        try:
            caller = self.gateway_caller or await people.find(user.name)
            if caller is not None and caller.account == user.name and await authority.may_run(caller, server_name):
                return
        except Unknowable as error:
            raise _said(503, f"Nobody can tell now whether this is allowed ({error}); try again soon.") from None
        raise _said(403, f"You may not run anything in workspace {place[0]}/{place[1]}, or there is none.")


class Place(BaseHandler):
    """Answers the gateway, for every request to a server's origin: where the server is, and whether its owner may still
    use it. Who the caller is, the server itself finds out.

    In: X-Notebook, the first label of the host name. Out: 204 with X-Upstream; 403; 401 where no server runs, as nginx
    passes on no other refusal. The gateway remembers the answer, longer where the hub does not answer.
    """

    async def prepare(self) -> None:
        """Without JupyterHub's search for a user."""
        self._jupyterhub_user = None
        self.expanded_scopes: set[str] = set()
        self.parsed_scopes: dict[str, Any] = {}

    async def get(self) -> None:
        if not from_gateway(self.request.headers, self.settings["gateway_secret"]):
            raise web.HTTPError(403)
        found = self.proxy.server_at(self.request.headers.get("X-Notebook", ""))
        if found is None:
            raise web.HTTPError(401)
        account, server = found
        spawner = self.users[account].spawners[server]
        try:
            owner = await self.settings["people"].find(account)
            if owner is None or not await self.settings["authority"].may_run(owner, server):
                raise web.HTTPError(403)
        except Unknowable:
            raise web.HTTPError(503) from None
        self.set_header("X-Upstream", spawner.server.host)
        self.set_header("Cache-Control", "max-age=2")
        self.set_status(204)

    def write_error(self, status_code: int, **more: Any) -> None:
        """No page: the gateway says it in its own words."""
        del status_code, more
        self.finish()


class OpenServer(BaseHandler):
    """Where people come back to after signing in: on to the server whose OAuth client asked for them.

    By a page that leads on, not by a redirect: the sign-in form may lead to the platform's own origin only, and
    browsers hold that against every redirect behind it.
    """

    @web.authenticated
    async def get(self, client_id: str) -> None:
        for name in self.current_user.orm_spawners:
            if workspace_of(name) and client_id == f"jupyterhub-user-{self.current_user.name}-{name}":
                self.finish(await self.render_template("open.html", server_url=self.current_user.server_url(name)))
                return
        self.redirect(f"{self.hub.base_url}home")


def behind_gateway(handler: type) -> type:
    """The handler with `FromGateway` before it; those that know no user as they are."""
    if not issubclass(handler, BaseHandler) or handler is Place:
        return handler
    return type(handler.__name__, (FromGateway, handler), {"__module__": handler.__module__})


def _said(status: int, message: str) -> web.HTTPError:
    error = web.HTTPError(status, message)
    error.jupyterhub_message = message
    return error
