"""`platform plan` and `platform prices`: what would happen, and what it would cost."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from infra.cli import options
from infra.cli.output import Format, chosen, document, err, hint, out, rows
from infra.cli.plan_view import lines
from infra.installation.home import Home
from infra.lifecycle.errors import Refused
from infra.profile.load import load

prices_app = typer.Typer(help="Prices that plans count with.", invoke_without_command=True)


def register(app: typer.Typer) -> None:
    app.command()(plan)
    app.add_typer(prices_app, name="prices")


def plan(
    profile: options.ProfileName = "local",
    overrides: options.Overrides = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Ask neither the cloud nor the cluster: declare against the kept state.")
    ] = False,
    topology: Annotated[
        Path | None,
        typer.Option("--topology", metavar="FILE", help="Draw the topology into this .svg or .html."),
    ] = None,
    output: options.Output = Format.TABLE,
    as_json: options.Json = False,
) -> None:
    """Say what `up` would do and what it would cost, without doing it. Exit code 3 where it would be refused."""
    from infra.lifecycle.plan import plan_up

    form = chosen(output, as_json)
    if topology is not None and topology.suffix not in (".svg", ".html"):
        raise typer.BadParameter("must end in .svg or .html", param_hint="--topology")
    loaded = load(profile, overrides or ())

    def say(detail: str) -> None:
        if sys.stderr.isatty():
            err.print(f"  {detail}", markup=False, style="dim")

    planned = plan_up(loaded, Home(loaded.name, source=profile), say, offline=offline, picture=topology is not None)
    if topology is not None:
        from infra.lifecycle.topology import write_picture

        write_picture(planned, topology)
        err.print(f"Wrote {topology}.", markup=False)
    found = planned.document()
    if not document(found, form):
        for line in lines(found, every=form is Format.WIDE):
            out.print(line, markup=False)
    if planned.refused:
        raise Refused(planned.refused)
    if form in (Format.TABLE, Format.WIDE):
        hint(f"Next: platform up --profile {profile}")


@prices_app.callback()
def prices(
    context: typer.Context,
    cloud: Annotated[str | None, typer.Option("--cloud", help="Only those of aws, gcp or azure.")] = None,
    output: options.Output = Format.TABLE,
    as_json: options.Json = False,
) -> None:
    """List the prices that plans count with, each with its source and date."""
    if context.invoked_subcommand is not None:
        return
    from infra.lifecycle.costs import listed
    from infra.prices.files import CLOUDS

    if cloud is not None and cloud not in CLOUDS:
        raise typer.BadParameter(f"must be one of: {', '.join(CLOUDS)}", param_hint="--cloud")
    found = listed(cloud)
    if not document(found, chosen(output, as_json)):
        rows(
            found,
            (
                ("cloud", lambda p: p["cloud"]),
                ("region", lambda p: p["region"]),
                ("sku", lambda p: p["sku"]),
                ("price", lambda p: f"{p['price']:g} {p['currency']}"),
                ("source", lambda p: p["source"]),
                ("date", lambda p: p["date"]),
            ),
            "No prices are known.",
        )


@prices_app.command()
def refresh(
    profile: options.ProfileName,
    overrides: options.Overrides = None,
    path: Annotated[
        Path | None, typer.Option("--to", metavar="FILE", help="Price file to write; this machine's copy by default.")
    ] = None,
    output: options.Output = Format.TABLE,
    as_json: options.Json = False,
) -> None:
    """Ask the cloud's price API for newer prices of the profile's region. Needs the cloud's credentials or network."""
    from infra.lifecycle import costs

    found = costs.refresh(load(profile, overrides or ()), path)
    if not document(found, chosen(output, as_json)):
        out.print(f"Wrote {found['prices']} prices of {found['region']} to {found['path']}.", markup=False)
        if found["missing"]:
            err.print(f"The cloud did not say what these cost: {', '.join(found['missing'])}", markup=False)
