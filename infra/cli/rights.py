"""`platform rights`: what the installer may do in a cloud, as documents for those who grant it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from infra.cli import options
from infra.cli.output import Format, chosen, document, hint
from infra.lifecycle.errors import Refused
from infra.profile.load import load


def register(app: typer.Typer) -> None:
    app.command()(rights)


def rights(
    profile: options.ProfileName,
    overrides: options.Overrides = None,
    write: Annotated[
        Path | None, typer.Option("--write", metavar="FOLDER", help="Write the documents there instead.")
    ] = None,
    output: options.Output = Format.TABLE,
    as_json: options.Json = False,
) -> None:
    """Print the rights that installing on a cloud needs, as its own policy documents. Needs neither credentials nor
    network."""
    from infra.clusters.rights import rights as needed

    loaded = load(profile, overrides or ())
    if loaded.cloud is None:
        raise Refused(f"Target {loaded.target} is no cloud: root on this machine, or a kubeconfig, is all it needs.")
    files = needed(loaded)
    if write is not None:
        write.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (write / name).write_text(text, "utf-8")
    if document({"files": dict(files)}, chosen(output, as_json)):
        return
    for name, text in files.items():
        typer.echo(str(write / name) if write is not None else f"# {name}\n{text.rstrip()}")
    hint(f"Grant these to whoever runs: platform up --profile {profile}")
