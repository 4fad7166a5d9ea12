"""The databases of the platform, the roles that may connect to them, and the names of their passwords. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from components.names import SYSTEM_NAMESPACE, component_namespace

NAME = "database"
PORT = 5432


@dataclass(frozen=True)
class Database:
    """A database for the pods of one namespace, and the roles that may connect to it."""

    name: str
    namespace: str
    roles: tuple[str, ...]
    """The first bears the database's name and owns it; the others get their rights from its migrations."""


def password_name(role: str) -> str:
    """Name of a role's password among the installation's secrets."""
    return f"database-{role}-password"


DATABASES = (
    Database("controlplane", SYSTEM_NAMESPACE, ("controlplane", "controlplaneapp")),
    Database("tracking", component_namespace("tracking"), ("tracking",)),
    Database("notebooks", component_namespace("notebooks"), ("notebooks",)),
    Database("tuning", component_namespace("tuning"), ("tuning",)),
)
ROLES = {role: database.name for database in DATABASES for role in database.roles}
"""Role → its database."""


ADMINISTRATOR_PASSWORD = "database-administrator-password"  # noqa: S105 - a name
"""Password of a managed server's administrator; given by the cluster's program, not made by the installer."""
