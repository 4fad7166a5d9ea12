"""The data of tenants, as far as removing an installation is concerned."""

from __future__ import annotations

from infra.api.client import ApiError, Client
from infra.installation.errors import InstallationError
from infra.installation.home import Home
from infra.installation.record import read_record
from infra.lifecycle.access import sign_in
from infra.lifecycle.errors import LifecycleError, Refused
from infra.lifecycle.runner import Say

_ASK_SECONDS = 15.0
_DELETE_SECONDS = 600.0
_SHOWN = 10


def refuse_loss(home: Home, *, delete_data: bool) -> None:
    """Raises Refused while workspaces hold data, or may, and nobody said that it shall go."""
    if delete_data or not read_record(home).installed:
        return
    remedy = "Say --delete-data to delete it all."
    try:
        names = workspaces(home)
    except (ApiError, InstallationError) as error:
        raise Refused(f"The control plane can't be asked which workspaces hold data: {error} {remedy}") from error
    if names:
        shown = ", ".join(names[:_SHOWN]) + (" and others" if len(names) > _SHOWN else "")
        raise Refused(f"{len(names)} workspaces hold data: {shown}. {remedy}")


def workspaces(home: Home) -> tuple[str, ...]:
    """`tenant/name` of every workspace. Raises ApiError."""
    with Client(sign_in(home, _ASK_SECONDS)) as api:
        return tuple(f"{one['tenant']}/{one['name']}" for one in api.every("/workspaces"))


def delete_workspaces(home: Home, say: Say) -> None:
    """Deletes every workspace through the control plane, which alone knows its buckets and identities outside of the
    cluster. Raises LifecycleError naming one that can't be deleted, ApiError."""
    with Client(sign_in(home, _ASK_SECONDS)) as api:
        started: dict[str, str] = {}
        for one in api.every("/workspaces"):
            name = f"{one['tenant']}/{one['name']}"
            say(f"deleting workspace {name}")
            operation = api.delete(f"/tenants/{one['tenant']}/workspaces/{one['name']}")["operation"]
            if operation:
                started[name] = operation
        for done, (name, operation) in enumerate(started.items()):
            say(f"{done} of {len(started)} workspaces deleted; waiting for {name}")
            ended = api.wait(operation, _DELETE_SECONDS)
            if ended["state"] != "succeeded":
                raise LifecycleError(
                    f"Workspace {name} could not be deleted: {ended['message'] or ended['state']}. Nothing else was "
                    "removed. See platform status, then start platform down again."
                )
