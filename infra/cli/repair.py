"""`platform repair`: what killed runs left, and what to do about it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from infra.cli import options
from infra.cli.output import Format, chosen, document, hint, out
from infra.installation.home import Home
from infra.lifecycle.damages import Damage
from infra.lifecycle.errors import Refused
from infra.profile.load import load


def register(app: typer.Typer) -> None:
    app.command()(repair)


def repair(
    profile: options.ProfileName = "local",
    overrides: options.Overrides = None,
    lock_of: Annotated[
        str,
        typer.Option(
            "--lock-of", metavar="USER@HOST", help="Remove the locks of this person's process, which is gone."
        ),
    ] = "",
    forget: Annotated[
        list[str] | None,
        typer.Option("--forget", metavar="NAME", help="Forget a creation that you looked for in the cloud."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what was found.")] = False,
    yes: options.Yes = False,
    output: options.Output = Format.TABLE,
    as_json: options.Json = False,
) -> None:
    """Find locks and unfinished operations that killed runs left, explain the risk of each, and mend what can be
    mended. Exit code 1 while something is left that needs a person."""
    from infra.lifecycle.repair import open_repair

    loaded = load(profile, overrides or ())
    home = Home(loaded.name, source=profile)
    home.require()
    form = chosen(output, as_json)
    with home.locked(f"repair --profile {profile}"):
        work = open_repair(loaded, home, lock_of=lock_of, forget=forget or ())
        found = work.look()
        if form is Format.TABLE:
            _show(found)
        mendable = [damage for damage in found if damage.mends]
        left: Sequence[Damage] = found
        if mendable and not dry_run:
            _confirm(len(mendable), yes)
            left = work.mend(found)
    if not document({"found": [asdict(each) for each in found], "left": [asdict(each) for each in left]}, form):
        if mendable and not dry_run:
            out.print(f"Mended {len(found) - len(left)} of {len(found)}.")
        hint(f"Next: platform up{home.flag}" if not left else "What is left needs you, as said above.")
    if left and not dry_run:
        raise typer.Exit(1)


def _show(found: Sequence[Damage]) -> None:
    if not found:
        out.print("Nothing was left by a killed run.")
    for damage in found:
        out.print(f"stack {damage.stack}: {damage.found}", markup=False)
        out.print(f"    risk:   {damage.risk}", markup=False)
        out.print(f"    {'repair' if damage.mends else 'you'}: {damage.remedy}", markup=False)


def _confirm(count: int, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise Refused("Nothing was changed. Nobody is there to answer; confirm with --yes.")
    if not typer.confirm(f"Do what is said under `repair` ({count})?", default=False):
        raise Refused("Nothing was changed.")
