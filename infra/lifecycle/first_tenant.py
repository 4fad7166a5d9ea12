"""The tenant and workspace that the first login finds."""

from __future__ import annotations

from components.names import Role
from infra.api.client import Client, Refused
from infra.installation.home import Home
from infra.lifecycle.access import sign_in
from infra.lifecycle.errors import LifecycleError
from infra.lifecycle.names import ADMIN_ACCOUNT
from infra.profile.model import Profile

_SECONDS = 120.0
_WORKSPACE_QUOTA = {"cpu": "2", "memory": "4Gi", "storage": "10Gi", "pods": 30}


def make_first_tenant(profile: Profile, home: Home) -> None:
    """Makes what is missing of tenant and workspace; leaves alone what is there. Raises LifecycleError or ApiError."""
    first = profile.first_tenant
    if first is None:
        return
    with Client(sign_in(home)) as api:
        if not _there(api, f"/tenants/{first.name}"):
            api.post("/tenants", {"slug": first.name, "quota": first.quota.model_dump()})
        members = f"/tenants/{first.name}/members"
        if not any(member["subject"] == ADMIN_ACCOUNT for member in api.every(members)):
            # Whoever installed it can then open the workspace's tools: running the platform alone gives no such right.
            api.post(members, {"subject": ADMIN_ACCOUNT, "role": Role.ADMIN.value})
        path = f"/tenants/{first.name}/workspaces"
        if not _there(api, f"{path}/{first.workspace}"):
            api.post(path, {"name": first.workspace, "quota": _WORKSPACE_QUOTA})
        operation = api.get(f"{path}/{first.workspace}")["operation"]
        if operation:
            ended = api.wait(operation, _SECONDS)
            if ended["state"] != "succeeded":
                raise LifecycleError(
                    f"Workspace {first.name}/{first.workspace} is {ended['state']}: {ended['message'] or 'no reason'}"
                )


def _there(api: Client, path: str) -> bool:
    try:
        api.get(path)
    except Refused as error:
        if error.status == 404:
            return False
        raise
    return True
