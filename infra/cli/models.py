"""`platform model`: registered models of a workspace and promotions, through the control plane's API.

Promotions work with a token alone, as from a git runner: MLP_URL and MLP_TOKEN (and MLP_CA_FILE), see access.py.
"""

from __future__ import annotations

import time
from typing import Annotated, Any
from urllib.parse import quote

import typer

from infra.api.client import Client
from infra.cli import options
from infra.cli.access import client
from infra.cli.options import workspace_path
from infra.cli.output import Format, ago, chosen, document, err, hint, out, rows
from infra.cli.workspaces import Name
from infra.lifecycle.errors import Refused

app = typer.Typer(help="Registered models, and their promotion past the workspace's rule.", no_args_is_help=True)

_WAITING = 4
"""Exit code where an approver has to answer."""
_EVERY = 2.0

Model = Annotated[str, typer.Argument(metavar="MODEL", help="The registered model.")]
Alias = Annotated[str, typer.Option(help="The alias to move.")]
Promotion = Annotated[str, typer.Argument(metavar="PROMOTION", help="Its id, from `platform model promotions`.")]
Reason = Annotated[str, typer.Option(help="Shown to the one who asked.", prompt=True)]

MODELS = (
    ("name", lambda m: m["name"]),
    ("latest", lambda m: m["latest"]),
    ("aliases", lambda m: ", ".join(f"{a['alias']} → {a['version']}" for a in m["aliases"])),
    ("updated", lambda m: ago(m["updated_at"])),
)
VERSIONS = (
    ("version", lambda v: v["version"]),
    ("aliases", lambda v: ", ".join(v["aliases"])),
    ("run", lambda v: v["run"]),
    ("age", lambda v: ago(v["created_at"])),
)
PROMOTIONS = (
    ("model", lambda p: p["model"]),
    ("version", lambda p: p["version"]),
    ("alias", lambda p: p["alias"]),
    ("state", lambda p: p["state"]),
    ("asked by", lambda p: p["requester"]),
    ("age", lambda p: ago(p["created_at"])),
    ("id", lambda p: p["id"]),
    ("what came of it", lambda p: p["message"]),
)
RULES = (
    ("model", lambda r: r["model"]),
    ("alias", lambda r: r["alias"]),
    ("thresholds", lambda r: ", ".join(_threshold(t) for t in r["thresholds"])),
    ("approver", lambda r: r["approver"]),
)


def _threshold(given: dict[str, Any]) -> str:
    return f"{given['metric']} {given['comparison']} {given['value']:g}"


@app.command("list")
def list_(workspace: Name, output: options.Output = Format.TABLE, as_json: options.Json = False) -> None:
    """List the registered models of a workspace with their aliases."""
    with client() as api:
        items = list(api.every(f"{workspace_path(workspace)}/models"))
    if not document(items, chosen(output, as_json)):
        rows(items, MODELS, "No models yet. Register one: mlflow.register_model(...)")


@app.command()
def get(workspace: Name, model: Model, output: options.Output = Format.TABLE, as_json: options.Json = False) -> None:
    """Show a registered model's versions."""
    with client() as api:
        found = api.get(f"{workspace_path(workspace)}/models/{quote(model, safe='')}")
    if not document(found, chosen(output, as_json)):
        rows(found["versions"], VERSIONS, "No versions yet.")


@app.command()
def promote(
    workspace: Name,
    model: Model,
    version: Annotated[int, typer.Option(help="The version that the alias should point to.", min=1)],
    alias: Alias = "production",
    run: Annotated[str | None, typer.Option(help="A run that evaluated it; else the one that made it.")] = None,
    reason: Annotated[str | None, typer.Option(help="Shown to the approver.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the approver.")] = False,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for the approver.", min=0)] = 3600,
    output: options.Output = Format.TABLE,
    as_json: options.Json = False,
) -> None:
    """Move an alias to a version, past the workspace's rule. Exit code 3: refused, 4: waiting for approval."""
    body: dict[str, Any] = {"model": model, "version": version, "alias": alias}
    body |= {name: value for name, value in (("run", run), ("reason", reason)) if value}
    all_ = f"{workspace_path(workspace)}/promotions"
    with client() as api:
        made = api.post(all_, body)
        if wait and made["state"] == "waiting":
            err.print(f"{made['message']} Waiting for the answer.", markup=False)
            made = _answered(api, f"{all_}/{made['id']}", timeout)
    _report(made, chosen(output, as_json), workspace)


def _answered(api: Client, path: str, seconds: float) -> dict[str, Any]:
    """The promotion once it is decided, or as it stands after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        found: dict[str, Any] = api.get(path)
        if found["state"] != "waiting" or time.monotonic() >= deadline:
            return found
        time.sleep(_EVERY)


def _report(made: dict[str, Any], form: Format, workspace: str) -> None:
    """Ends the command as the promotion ended."""
    shown = document(made, form)
    match made["state"]:
        case "done":
            if not shown:
                out.print(f"{made['model']}: {made['message']}", markup=False)
                if made["before"]:
                    undo = f"platform model promote {workspace} {made['model']}"
                    hint(f"Undo: {undo} --version {made['before']} --alias {made['alias']}")
        case "waiting":
            if not shown:
                out.print(f"{made['model']} version {made['version']}: {made['message']}", markup=False)
                hint(f"The approver runs: platform model approve {workspace} {made['id']} --reason …")
            raise typer.Exit(_WAITING)
        case _:
            raise Refused(f"{made['model']} version {made['version']} is not promoted. {made['message']}")


@app.command()
def promotions(
    workspace: Name,
    state: Annotated[str | None, typer.Option(help="waiting, done, refused or rejected.")] = None,
    output: options.Output = Format.TABLE,
    as_json: options.Json = False,
) -> None:
    """List promotions, newest first."""
    with client() as api:
        items = list(api.every(f"{workspace_path(workspace)}/promotions", state=state))
    if not document(items, chosen(output, as_json)):
        rows(items, PROMOTIONS, "No promotions yet. Ask for one: platform model promote TENANT/NAME MODEL --version N")


@app.command()
def approve(
    workspace: Name,
    promotion: Promotion,
    reason: Reason,
    output: options.Output = Format.TABLE,
    as_json: options.Json = False,
) -> None:
    """Approve a promotion that somebody else asked for. It is judged once more before the alias moves."""
    with client() as api:
        made = api.post(f"{workspace_path(workspace)}/promotions/{promotion}/approve", {"reason": reason})
    _report(made, chosen(output, as_json), workspace)


@app.command()
def reject(
    workspace: Name,
    promotion: Promotion,
    reason: Reason,
    output: options.Output = Format.TABLE,
    as_json: options.Json = False,
) -> None:
    """Reject a promotion. The alias stays where it is."""
    with client() as api:
        made = api.post(f"{workspace_path(workspace)}/promotions/{promotion}/reject", {"reason": reason})
    if not document(made, chosen(output, as_json)):
        out.print(f"{made['model']} version {made['version']} is not promoted.", markup=False)


@app.command()
def rules(workspace: Name, output: options.Output = Format.TABLE, as_json: options.Json = False) -> None:
    """List what promotions have to pass."""
    with client() as api:
        items = list(api.get(f"{workspace_path(workspace)}/promotion-rules")["items"])
    if not document(items, chosen(output, as_json)):
        rows(items, RULES, "No rules: every promotion is done at once. Set one: platform model rule TENANT/NAME …")


@app.command()
def rule(
    workspace: Name,
    model: Annotated[str, typer.Option(help="A registered model, or * for every one without a rule.")] = "*",
    alias: Alias = "production",
    require: Annotated[
        list[str] | None, typer.Option(metavar="METRIC>=VALUE", help="A threshold; also >, <= and <. May be repeated.")
    ] = None,
    approver: Annotated[str | None, typer.Option(help="admin or member: the weakest role that may approve.")] = None,
    output: options.Output = Format.TABLE,
    as_json: options.Json = False,
) -> None:
    """Set what promotions of a model to an alias have to pass. Tenant admins only."""
    body: dict[str, Any] = {"model": model, "alias": alias, "thresholds": [parse_threshold(t) for t in require or ()]}
    body |= {"approver": approver} if approver else {}
    with client() as api:
        made = api.put(f"{workspace_path(workspace)}/promotion-rules", body)
    if not document(made, chosen(output, as_json)):
        rows([made], RULES, "")


def parse_threshold(text: str) -> dict[str, Any]:
    """`accuracy>=0.9` as the API takes it. Raises BadParameter."""
    for comparison in (">=", "<=", ">", "<"):
        metric, found, value = text.partition(comparison)
        if found:
            try:
                return {"metric": metric.strip(), "comparison": comparison, "value": float(value)}
            except ValueError:
                break
    raise typer.BadParameter("must be METRIC>=VALUE, such as accuracy>=0.9", param_hint="--require")
