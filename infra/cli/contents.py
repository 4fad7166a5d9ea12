"""What runs in a workspace, for `platform workspace`: the list, a log, and starting a pipeline."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from infra.cli import options
from infra.cli.access import client
from infra.cli.options import workspace_path
from infra.cli.output import Format, ago, chosen, document, err, out, rows
from infra.cli.workspaces import Name

COLUMNS = (
    ("kind", lambda c: c["kind"]),
    ("name", lambda c: c["name"]),
    ("state", lambda c: c["state"]),
    ("progress", lambda c: c["progress"]),
    ("age", lambda c: ago(c["created_at"])),
    ("why", lambda c: c["reason"]),
)
Thing = Annotated[str, typer.Argument(metavar="KIND/NAME", help="Such as trainjob/nightly, from `contents`.")]


def register(app: typer.Typer) -> None:
    for command in (contents, logs, start):
        app.command()(command)


def contents(
    name: Name,
    group: Annotated[
        str | None, typer.Option(help="notebooks, jobs, experiments, pipelines, endpoints or models.")
    ] = None,
    output: options.Output = Format.TABLE,
    as_json: options.Json = False,
) -> None:
    """List what runs in a workspace, newest first, with the reason of waiting."""
    with client() as api:
        items = list(api.every(f"{workspace_path(name)}/contents", group=group))
    if not document(items, chosen(output, as_json)):
        rows(items, COLUMNS, "Nothing runs here. Start a notebook or a job; the console shows how.")


def logs(
    name: Name,
    thing: Thing,
    tail: Annotated[int, typer.Option(help="Number of lines.", min=1, max=5000)] = 200,
    pod: Annotated[str | None, typer.Option(help="One of its pods.")] = None,
    output: options.Output = Format.TABLE,
    as_json: options.Json = False,
) -> None:
    """Show the last lines of a job, notebook, pipeline or endpoint."""
    with client() as api:
        found: dict[str, Any] = api.get(f"{workspace_path(name)}/contents/{kind_path(thing)}/logs", tail=tail, pod=pod)
    if document(found, chosen(output, as_json)):
        return
    for line in found["lines"]:
        out.print(line["text"], markup=False)
    if found["note"]:
        err.print(found["note"], markup=False)


def start(
    name: Name,
    thing: Annotated[
        str, typer.Argument(metavar="KIND/NAME", help="workflowtemplate/NAME, cronworkflow/NAME or workflow/NAME.")
    ],
    parameter: Annotated[
        list[str] | None, typer.Option("--parameter", "-p", metavar="KEY=VALUE", help="A parameter; may be repeated.")
    ] = None,
    output: options.Output = Format.TABLE,
    as_json: options.Json = False,
) -> None:
    """Run a pipeline's template, a schedule before its time, or a workflow that ended once more."""
    given = parameters(parameter or [])
    with client() as api:
        made: dict[str, Any] = api.post(
            f"{workspace_path(name)}/contents/{kind_path(thing)}/start", {"parameters": given}
        )
    if document(made, chosen(output, as_json)):
        return
    started = made["content"]
    out.print(f"{started['kind']}/{started['name']} is started.", markup=False)
    err.print(f"Its log: platform workspace logs {name} {started['kind']}/{started['name']}", markup=False)


def parameters(given: list[str]) -> dict[str, str]:
    """KEY=VALUE pairs. Raises BadParameter that names everything wrong with them."""
    found: dict[str, str] = {}
    wrong = []
    for pair in given:
        key, separator, value = pair.partition("=")
        if not separator or not key:
            wrong.append(f"{pair} is not KEY=VALUE")
        elif key in found:
            wrong.append(f"{key} is given twice")
        else:
            found[key] = value
    if wrong:
        raise typer.BadParameter("; ".join(wrong), param_hint="--parameter")
    return found


def kind_path(thing: str) -> str:
    """KIND/NAME as a path. Raises BadParameter."""
    kind, separator, name = thing.partition("/")
    if not separator or not kind or not name or "/" in name:
        raise typer.BadParameter("must be KIND/NAME, such as trainjob/nightly", param_hint="KIND/NAME")
    return f"{kind}/{name}"
