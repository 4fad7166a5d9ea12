"""Where running servers are. Nothing is proxied here: the gateway asks for the place of a host name and goes there."""

from __future__ import annotations

from typing import Any

from jupyterhub.proxy import Proxy

from components.notebooks.naming import label, workspace_of


class Routes(Proxy):
    """Keeps in memory what a proxy would be told; the hub tells it anew after each of its own starts."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.should_start = False
        self._routes: dict[str, dict[str, Any]] = {}
        self._places: dict[str, tuple[str, str]] = {}

    async def add_route(self, routespec: str, target: str, data: dict[str, Any]) -> None:
        self._routes[routespec] = {"routespec": routespec, "target": target, "data": data}
        if workspace_of(data.get("server_name", "")) is not None:
            self._places[label(data["user"], data["server_name"])] = (data["user"], data["server_name"])

    async def delete_route(self, routespec: str) -> None:
        gone = self._routes.pop(routespec, None)
        if gone is not None and "server_name" in gone["data"]:
            place = (gone["data"]["user"], gone["data"]["server_name"])
            self._places = {name: found for name, found in self._places.items() if found != place}

    async def get_all_routes(self) -> dict[str, dict[str, Any]]:
        return dict(self._routes)

    def server_at(self, name: str) -> tuple[str, str] | None:
        """Account and server name behind a host name's first label; None where no server runs."""
        return self._places.get(name)
