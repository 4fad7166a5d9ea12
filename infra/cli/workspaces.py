"""`platform workspace`: workspaces through the control plane's API, named TENANT/NAME."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import typer

from infra.api.client import FAILED_STATES, Client
from infra.cli import options
from infra.cli.access import client
from infra.cli.changes import Following, confirm_loss, follows, report_operation
from infra.cli.options import workspace_path
from infra.cli.output import Format, ago, chosen, document, out, rows
from infra.cli.tenants import Cpu, Memory, Pods, Storage, quota

app = typer.Typer(help="Workspaces: one namespace, one MLflow workspace and one bucket each.", no_args_is_help=True)

DEFAULT_QUOTA = {"cpu": "2", "memory": "4Gi", "storage": "10Gi", "pods": 20}


def _names(incomplete: str) -> list[str]:
    try:
        with client() as api:
            names = [f"{w['tenant']}/{w['name']}" for w in api.every("/workspaces")]
        return [name for name in names if name.startswith(incomplete)]
    except Exception:  # noqa: BLE001 - completion stays silent
        return []


Name = Annotated[str, typer.Argument(metavar="TENANT/NAME", help="The workspace.", autocompletion=_names)]


def _features(incomplete: str) -> list[str]:
    try:
        with client() as api:
            return [f["name"] for f in api.get("/features")["items"] if f["name"].startswith(incomplete)]
    except Exception:  # noqa: BLE001 - completion stays silent
        return []


Features = Annotated[
    list[str] | None,
    typer.Option(
        "--feature", metavar="NAME", help="Also give it this feature; more than once for several.",
        autocompletion=_features,
    ),
]  # fmt: skip
NoFeatures = Annotated[
    list[str] | None,
    typer.Option(
        "--no-feature", metavar="NAME", help="Take this feature from it; more than once for several.",
        autocompletion=_features,
    ),
]  # fmt: skip

COLUMNS = (
    ("name", lambda w: f"{w['tenant']}/{w['name']}"),
    ("state", lambda w: w["state"]),
    ("cpu", lambda w: w["quota"]["cpu"]),
    ("memory", lambda w: w["quota"]["memory"]),
    ("storage", lambda w: w["quota"]["storage"]),
    ("expires", lambda w: ago(w["expires_at"])),
    ("age", lambda w: ago(w["created_at"])),
    ("namespace", lambda w: w["namespace"]),
)


@app.command("list")
def list_(
    tenant: Annotated[str | None, typer.Argument(help="Only of this tenant.")] = None,
    output: options.Output = Format.TABLE,
    as_json: options.Json = False,
) -> None:
    """List workspaces."""
    with client() as api:
        items = list(api.every(f"/tenants/{tenant}/workspaces" if tenant else "/workspaces"))
    if not document(items, chosen(output, as_json)):
        rows(items, COLUMNS, "No workspaces yet. Make one: platform workspace create TENANT/NAME")


@app.command()
def get(name: Name, output: options.Output = Format.TABLE, as_json: options.Json = False) -> None:
    """Show one workspace with its conditions."""
    with client() as api:
        workspace = api.get(workspace_path(name))
    if document(workspace, chosen(output, as_json)):
        return
    rows([workspace], COLUMNS, "")
    out.print(f"  image for jobs: {workspace['image']}", markup=False)
    if workspace["features"]:
        out.print(f"  features: {', '.join(workspace['features'])}", markup=False)
    if own := workspace["kubeflow_pipelines"]:
        out.print(f"  Kubeflow Pipelines: {own['url']}", markup=False)
        out.print(f"  image for its steps: {own['image']}", markup=False)
    for condition in workspace["conditions"]:
        sign = "✓" if condition["status"] else "✗"
        out.print(f"  {sign} {condition['type']}: {condition['message'] or condition['reason']}", markup=False)


@app.command()
@follows(120)
def create(
    name: Name,
    how: Following,
    title: Annotated[str | None, typer.Option(help="A readable name.")] = None,
    cpu: Cpu = None,
    memory: Memory = None,
    storage: Storage = None,
    pods: Pods = None,
    feature: Features = None,
) -> None:
    """Make a workspace within its tenant's quota."""
    path = workspace_path(name)
    tenant, slug = name.split("/")
    body: dict[str, Any] = {"name": slug, "quota": quota(DEFAULT_QUOTA, cpu, memory, storage, pods)}
    if title:
        body["title"] = title
    if feature:
        body["features"] = feature
    with client() as api:
        change = api.post(f"/tenants/{tenant}/workspaces", body)
        _finish(api, change, path, how, f"Workspace {name} is ready.", f"Undo: platform workspace delete {name}")


@app.command()
@follows(120)
def resize(
    name: Name,
    how: Following,
    cpu: Cpu = None,
    memory: Memory = None,
    storage: Storage = None,
    pods: Pods = None,
) -> None:
    """Change a workspace's quota."""
    path = workspace_path(name)
    with client() as api:
        before = api.get(path)["quota"]
        change = api.patch(path, {"quota": quota(before, cpu, memory, storage, pods)})
        undone = " ".join(f"--{part} {before[part]}" for part in ("cpu", "memory", "storage", "pods"))
        undo = f"Undo: platform workspace resize {name} {undone}"
        _finish(api, change, path, how, f"Workspace {name} has its new quota.", undo)


@app.command()
@follows(120)
def change(name: Name, how: Following, feature: Features = None, no_feature: NoFeatures = None) -> None:
    """Give a workspace features, or take them from it. What you do not name stays."""
    path = workspace_path(name)
    more, less = set(feature or ()), set(no_feature or ())
    if not more | less:
        raise typer.BadParameter("give --feature or --no-feature", param_hint="--feature")
    if more & less:
        raise typer.BadParameter(f"{', '.join(sorted(more & less))} is in both", param_hint="--no-feature")
    with client() as api:
        workspace = api.get(path)
        before = set(workspace["features"])
        after = before - less | more
        changed = api.patch(path, {"features": sorted(after)}, etag=f'"{workspace["version"]}"')
        undone = [f"--no-feature {each}" for each in sorted(after - before)]
        undone += [f"--feature {each}" for each in sorted(before - after)]
        undo = f"Undo: platform workspace change {name} {' '.join(undone)}"
        has = ", ".join(sorted(after)) or "no features"
        _finish(api, changed, path, how, f"Workspace {name} has {has}.", undo)


@app.command()
@follows(120)
def suspend(name: Name, how: Following) -> None:
    """Stop everything in a workspace. Data stays."""
    path = workspace_path(name)
    with client() as api:
        change = api.post(f"{path}/suspend")
        _finish(api, change, path, how, f"Workspace {name} is suspended.", f"Undo: platform workspace resume {name}")


@app.command()
@follows(120)
def resume(name: Name, how: Following) -> None:
    """Let a suspended workspace work again."""
    path = workspace_path(name)
    with client() as api:
        _finish(api, api.post(f"{path}/resume"), path, how, f"Workspace {name} is ready.")


@app.command()
@follows(300)
def delete(
    name: Name,
    how: Following,
    yes: options.Yes = False,
    confirm: Annotated[str | None, typer.Option("--name", help="TENANT/NAME once more, with --yes.")] = None,
) -> None:
    """Delete a workspace with all its data."""
    path = workspace_path(name)
    with client() as api:
        api.get(path)
        confirm_loss(f"workspace {name} with its runs, models, files and volumes", name, yes, confirm)
        change = api.delete(path)
        report_operation(api, _operation(api, change), how, f"Workspace {name} is gone.")


def _operation(api: Client, change: dict[str, Any]) -> dict[str, Any] | None:
    operation = change["operation"]
    found: dict[str, Any] | None = api.get(f"/operations/{operation}") if operation else None
    return found


def _finish(api: Client, change: dict[str, Any], path: str, how: Following, done: str, undo: str = "") -> None:
    """Follows the change; programs get the workspace as it is afterwards."""
    operation = _operation(api, change)
    if how.form in (Format.TABLE, Format.WIDE):
        report_operation(api, operation, how, done, undo)
        return
    if operation and how.seconds:
        ended = api.wait(operation["id"], how.seconds)
        if ended["state"] in FAILED_STATES:
            report_operation(api, ended, replace(how, seconds=0), done)
    document(api.get(path), how.form)
