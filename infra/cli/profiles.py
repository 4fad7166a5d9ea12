"""`platform validate`, `init` and `schema`: profiles without touching anything."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from infra.cli import options
from infra.cli.output import Format, chosen, document, hint, out
from infra.lifecycle.errors import Refused
from infra.profile.errors import ProfileInvalid
from infra.profile.load import find, load, shipped
from infra.profile.schema import schema_text


def register(app: typer.Typer) -> None:
    app.command()(validate)
    app.command()(init)
    app.command()(schema)


def validate(
    profile: options.ProfileName = "local",
    overrides: options.Overrides = None,
    output: options.Output = Format.TABLE,
    as_json: options.Json = False,
) -> None:
    """Check a profile, offline. Shows every problem at once; exit code 2 when there is one."""
    form = chosen(output, as_json)
    try:
        loaded = load(profile, overrides or ())
    except ProfileInvalid as error:
        problems = [{"path": p.path, "message": p.message, "value": p.value} for p in error.problems]
        if document({"valid": False, "source": error.source, "problems": problems}, form):
            raise typer.Exit(2) from None
        raise
    if not document({"valid": True, "profile": loaded.model_dump(mode="json", by_alias=True), "problems": []}, form):
        out.print(f"Profile {loaded.name} is valid: target {loaded.target}, supply {loaded.supply.mode}.")
        hint(f"Next: platform up --profile {profile}")


def init(
    path: Annotated[Path, typer.Argument(help="File to write, such as team.yaml.")],
    profile: Annotated[str, typer.Option("--from", help="Shipped profile to start from.")] = "local",
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
) -> None:
    """Write a profile of your own that extends a shipped one."""
    if profile not in shipped():
        raise typer.BadParameter(f"must be one of: {', '.join(shipped())}", param_hint="--from")
    if path.suffix not in (".yaml", ".yml"):
        raise typer.BadParameter("must end in .yaml", param_hint="PATH")
    if path.exists() and not force:
        raise Refused(f"{path} is there already. Choose another name, or replace it with --force.")
    base = find(profile).read_text("utf-8")
    comments = "\n".join(f"# {line}".rstrip() for line in base.splitlines() if not line.startswith("#"))
    name = path.stem.lower().replace("_", "-")
    path.write_text(
        f"# A profile of your own. What is commented out is what {profile!r} says; change only what differs.\n"
        f"extends: {profile}\nname: {name}\n\n{comments.strip()}\n",
        "utf-8",
    )
    load(str(path))
    out.print(f"Wrote {path}.")
    hint(f"Next: platform validate --profile ./{path}")


def schema() -> None:
    """Print the profile's JSON Schema, for editors."""
    typer.echo(schema_text(), nl=False)
