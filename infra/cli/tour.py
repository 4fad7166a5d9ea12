"""`platform tour`: from a notebook to a served model, as one person with one token."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from infra.cli import options
from infra.cli.output import Format, chosen, document, err, out
from infra.installation.home import Home
from infra.profile.load import load


def register(app: typer.Typer) -> None:
    app.command()(tour)


def tour(
    profile: options.ProfileName = "local",
    only: Annotated[list[str] | None, typer.Option("--only", help="Run only steps whose name contains this.")] = None,
    output: options.Output = Format.TABLE,
    as_json: options.Json = False,
) -> None:
    """Walk from a notebook to a served model and its lineage, with evidence. Exit code 1 when a step fails."""
    from infra.verify.tour.run import tour as run_tour

    loaded = load(profile)
    home = Home(loaded.name, source=profile)
    home.require()
    form = chosen(output, as_json)

    with home.locked("tour"):
        steps = run_tour(home, show, tuple(only or ()))
    failed = [step["name"] for step in steps if not step["pass"]]
    if not document({"steps": steps}, form):
        out.print(f"{len(steps) - len(failed)} of {len(steps)} steps passed.")
    if failed or not steps:
        raise typer.Exit(1)


def show(result: dict[str, Any]) -> None:
    """One line and its evidence, on standard error."""
    sign = "[green]✓[/]" if result["pass"] else "[red]✗[/]"
    err.print(f"{sign} ", end="")
    err.print(f"{result['name']}  ({result['seconds']:.1f}s)\n    {result['evidence']}", markup=False)
