"""Names that hub, gateway and clients derive alike from an account and a workspace. Pure; also in the hub's image."""

from __future__ import annotations

import base64
import hashlib
import re

from components.names import SLUG, user_name, workspace_namespace

HUB_PATH = "/notebooks/hub"
"""Path of the hub below the platform's address."""
SERVERS_PATH = "/notebooks/user"
"""Path of a server on its own origin: `<SERVERS_PATH>/<account>/<server name>/`."""

ACCOUNT = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?")
"""An account's name. Match with `fullmatch`."""
_USER_PREFIX = user_name("")
_HASH = 16
_READABLE = 20


def account_of(user: str) -> str | None:
    """The account behind a Kubernetes user name, which is the hub's user name as it stands; None for who is no person.

    Only the prefix is taken away, so two users never become one.
    """
    account = user.removeprefix(_USER_PREFIX)
    return account if account != user and ACCOUNT.fullmatch(account) else None


def server_name(tenant: str, workspace: str) -> str:
    """The hub's name for the server of a workspace: `<tenant>--<workspace>`. ValueError for what is no slug."""
    return workspace_namespace(tenant, workspace).removeprefix("ws-")


def workspace_of(server: str) -> tuple[str, str] | None:
    """Tenant and workspace of a server's name; None where it is none. Slugs hold no doubled dash, so it is exact."""
    tenant, found, workspace = server.partition("--")
    return (tenant, workspace) if found and SLUG.fullmatch(tenant) and SLUG.fullmatch(workspace) else None


def label(account: str, server: str) -> str:
    """DNS label of a server: its host name below the notebooks' domain, and the name of its pod and Service.

    The hash, 80 bits over account and workspace, keeps servers apart; the account is there to be read. At most 40 long.
    """
    return f"nb-{_suffix(account, server)}"


def home(account: str, server: str) -> str:
    """Name of the volume claim that holds an account's files in a workspace."""
    return f"home-{_suffix(account, server)}"


def server_path(account: str, server: str) -> str:
    """Path of a server on its origin, and of its entry in the hub's API below `/users`."""
    return f"{SERVERS_PATH}/{account}/{server}/"


def _suffix(account: str, server: str) -> str:
    if not ACCOUNT.fullmatch(account) or workspace_of(server) is None:
        raise ValueError(f"not an account and a server of a workspace: {account!r}, {server!r}")
    digest = hashlib.sha256(f"{account}\0{server}".encode()).digest()
    readable = re.sub(r"[._-]+", "-", account)[:_READABLE].strip("-")
    return f"{readable}-{base64.b32encode(digest).decode().lower()[:_HASH]}"
