"""`platform tenant`: tenants through the control plane's API."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from infra.cli import options
from infra.cli.access import client
from infra.cli.changes import Following, confirm_loss, follows, report_operation
from infra.cli.output import Format, ago, chosen, document, hint, out, rows

app = typer.Typer(help="Tenants: teams with members, a quota and workspaces.", no_args_is_help=True)


def _names(incomplete: str) -> list[str]:
    try:
        with client() as api:
            return [t["slug"] for t in api.every("/tenants") if t["slug"].startswith(incomplete)]
    except Exception:  # noqa: BLE001 - completion stays silent
        return []


Name = Annotated[str, typer.Argument(help="The tenant's name.", autocompletion=_names)]
Cpu = Annotated[str | None, typer.Option(help="Cores, such as 4 or 500m.")]
Memory = Annotated[str | None, typer.Option(help="Memory, such as 8Gi.")]
Storage = Annotated[str | None, typer.Option(help="Volumes altogether, such as 20Gi.")]
Pods = Annotated[int | None, typer.Option(help="Number of pods.")]

DEFAULT_QUOTA = {"cpu": "4", "memory": "8Gi", "storage": "20Gi", "pods": 50}


def quota(
    base: dict[str, Any], cpu: str | None, memory: str | None, storage: str | None, pods: int | None
) -> dict[str, Any]:
    """`base` with what was given on the command line."""
    given = {"cpu": cpu, "memory": memory, "storage": storage, "pods": pods}
    return {**base, **{name: value for name, value in given.items() if value is not None}}


def _used(part: str) -> Any:
    return lambda t: f"{t['allocated'][part]} of {t['quota'][part]}"


COLUMNS = (
    ("name", lambda t: t["slug"]),
    ("state", lambda t: t["state"]),
    ("workspaces", lambda t: t["workspaces"]),
    ("members", lambda t: t["members"]),
    ("cpu", _used("cpu")),
    ("memory", _used("memory")),
    ("storage", _used("storage")),
    ("age", lambda t: ago(t["created_at"])),
)


@app.command("list")
def list_(output: options.Output = Format.TABLE, as_json: options.Json = False) -> None:
    """List the tenants you may see."""
    with client() as api:
        items = list(api.every("/tenants"))
    if not document(items, chosen(output, as_json)):
        rows(items, COLUMNS, "No tenants yet. Make one: platform tenant create NAME")


@app.command()
def get(name: Name, output: options.Output = Format.TABLE, as_json: options.Json = False) -> None:
    """Show one tenant."""
    with client() as api:
        tenant = api.get(f"/tenants/{name}")
    if not document(tenant, chosen(output, as_json)):
        rows([tenant], COLUMNS, "")


@app.command()
def create(
    name: Name,
    title: Annotated[str | None, typer.Option(help="A readable name.")] = None,
    cpu: Cpu = None,
    memory: Memory = None,
    storage: Storage = None,
    pods: Pods = None,
    output: options.Output = Format.TABLE,
    as_json: options.Json = False,
) -> None:
    """Make a tenant. Its quota bounds the sum of its workspaces' quotas."""
    body = {"slug": name, "quota": quota(DEFAULT_QUOTA, cpu, memory, storage, pods)}
    if title:
        body["title"] = title
    with client() as api:
        tenant = api.post("/tenants", body)
    if not document(tenant, chosen(output, as_json)):
        out.print(f"Tenant {name} is there.")
        hint(f"Next: platform workspace create {name}/default\nUndo: platform tenant delete {name}")


@app.command()
@follows(120)
def suspend(name: Name, how: Following) -> None:
    """Stop everything in a tenant. Data stays; nobody gets in until `resume`."""
    with client() as api:
        operation = api.post(f"/tenants/{name}/suspend")
        report_operation(api, operation, how, f"Tenant {name} is suspended.", f"Undo: platform tenant resume {name}")


@app.command()
@follows(120)
def resume(name: Name, how: Following) -> None:
    """Let a suspended tenant work again."""
    with client() as api:
        report_operation(api, api.post(f"/tenants/{name}/resume"), how, f"Tenant {name} is active.")


@app.command()
@follows(300)
def delete(
    name: Name,
    how: Following,
    yes: options.Yes = False,
    confirm: Annotated[str | None, typer.Option("--name", help="The tenant's name once more, with --yes.")] = None,
) -> None:
    """Delete a tenant with its workspaces and all their data."""
    with client() as api:
        tenant = api.get(f"/tenants/{name}")
        what = f"tenant {name} with {tenant['workspaces']} workspaces and all their data"
        confirm_loss(what, name, yes, confirm)
        report_operation(api, api.delete(f"/tenants/{name}"), how, f"Tenant {name} is gone.")
