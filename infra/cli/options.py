"""Options that several commands share, so that they read alike everywhere."""

from __future__ import annotations

from typing import Annotated

import typer

from infra.cli.output import Format
from infra.profile.load import shipped


def _profiles(incomplete: str) -> list[str]:
    return [name for name in shipped() if name.startswith(incomplete)]


ProfileName = Annotated[
    str,
    typer.Option(
        "--profile", "-p", help="Name of a profile (see profiles/) or path of a YAML file.", autocompletion=_profiles
    ),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Change one value of the profile, such as local.nodes=3."),
]
Output = Annotated[Format, typer.Option("--output", "-o", help="How to write the result.")]
Json = Annotated[bool, typer.Option("--json", help="Short for -o json. Progress becomes one JSON document a line.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Wait = Annotated[float, typer.Option("--timeout", help="Seconds to wait for the operation.", min=0)]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Return at once; the operation goes on.")]


def workspace_path(name: str) -> str:
    """Where the API has the workspace TENANT/NAME. Wrong use where it is none."""
    tenant, separator, workspace = name.partition("/")
    if not separator or not tenant or not workspace or "/" in workspace:
        raise typer.BadParameter("must be TENANT/NAME, such as demo/default", param_hint="TENANT/NAME")
    return f"/tenants/{tenant}/workspaces/{workspace}"
