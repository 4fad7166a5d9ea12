"""People in the hub, whose servers each have an origin of their own."""

from __future__ import annotations

from typing import Any

from jupyterhub import orm
from jupyterhub.user import User, UserDict

from components.notebooks.naming import label, workspace_of


class Person(User):
    """A user whose servers live at `https://<label>.<domain>`, so that no page of one reads another's cookies."""

    def server_url(self, server_name: str = "") -> str:
        """The hub's own page for the unnamed server, which nobody has."""
        if workspace_of(server_name) is None:
            return str(self.settings["hub"].base_url)
        path = super().server_url(server_name)
        return f"https://{label(self.name, server_name)}.{self.settings['notebooks_domain']}{path}"

    def get_or_create_spawner(self, server_name: str, display_name: str, replace_failed: bool = False) -> Any:
        """Server names are `<tenant>--<workspace>`, which JupyterHub's own rule for new names refuses."""
        if server_name not in self.orm_spawners and workspace_of(server_name) is not None:
            self._new_orm_spawner(server_name, display_name or server_name)
        return super().get_or_create_spawner(server_name, display_name, replace_failed)


class PersonDict(UserDict):
    """Makes `Person` where JupyterHub makes `User`."""

    def from_orm(self, orm_user: orm.User) -> Person:
        return Person(orm_user, self.settings)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, orm.User):
            self.add(key)
        return super().__getitem__(key)
