"""`platform kubeconfig` and `platform token credential`: the ways of kubectl and Kubernetes SDKs into the cluster.

The cluster's administrator has a kubeconfig of the cluster's own. Everybody else comes through the gateway with their
platform identity, into the namespaces of their workspaces.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from infra.api.client import ApiError, Client
from infra.cli import options
from infra.cli.access import client, find_access, until
from infra.cli.output import err, hint
from infra.installation.home import Home
from infra.lifecycle.errors import Refused
from infra.profile.load import load

_NAME = "platform"


def register(app: typer.Typer) -> None:
    app.command()(kubeconfig)


def kubeconfig(
    profile: options.ProfileName = "local",
    path: Annotated[bool, typer.Option("--path", help="Print the file's path instead of its content.")] = False,
    workspace: Annotated[
        str | None, typer.Option("--workspace", "-w", metavar="TENANT/NAME", help="Yours, for this workspace.")
    ] = None,
    span: Annotated[
        str | None,
        typer.Option("--for", help="Put a token into it that lives so long, such as 12h or 30d, for where no "
                     "`platform` is. Anybody with the file is you in this tenant."),
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option("--token-file", help="Let it name this file, which holds a token of yours.")
    ] = None,
) -> None:  # fmt: skip
    """Print a kubeconfig: with --workspace yours, through the gateway; else that of the cluster's administrator.

    Yours holds no secret: it asks `platform` for the token of your sign-in. --for and --token-file change that.
    """
    if workspace is None:
        if span or token_file:
            raise typer.BadParameter("--for and --token-file belong to a kubeconfig of yours", param_hint="--workspace")
        _administrators(profile, path=path)
        return
    if path or (span and token_file):
        raise typer.BadParameter("choose one of --path, --for and --token-file", param_hint="--workspace")
    at = options.workspace_path(workspace)
    with client() as api:
        document = api.get(f"{at}/kubeconfig")
        document["users"][0]["user"] = _credential(api, document, workspace, span, token_file)
    typer.echo(yaml.safe_dump(document, sort_keys=False).rstrip())


def _administrators(profile: str, *, path: bool) -> None:
    home = Home(load(profile).name, source=profile)
    home.require()
    if not home.kubeconfig.exists():
        raise Refused(f"The cluster of {home.name!r} is not there yet. Run: platform up{home.flag}")
    typer.echo(str(home.kubeconfig) if path else home.kubeconfig.read_text("utf-8").rstrip())


def _credential(
    api: Client, document: dict[str, Any], workspace: str, span: str | None, token_file: Path | None
) -> dict[str, Any]:
    """The user's part of the file."""
    if token_file is not None:
        return {"tokenFile": str(token_file.absolute())}
    if span is not None:
        tenant = workspace.partition("/")[0]
        body = {
            "name": f"kubeconfig {workspace}",
            "scopes": ["kubernetes"],
            "tenant": tenant,
            "expires_at": until(span),
        }
        made = api.post("/tokens", body)
        ends, token = made["token"]["expires_at"][:16].replace("T", " "), made["token"]["id"]
        err.print(
            f"The file holds a token: keep it secret. It reaches tenant {tenant} alone and ends {ends} UTC; after that "
            "kubectl says that you must be logged in, and you print a new file.",
            markup=False,
        )
        hint(f"End it now: platform token revoke {token}")
        return {"token": made["secret"]}
    asked = dict(document["users"][0]["user"]["exec"])
    asked["command"] = _own_command()
    if home := os.environ.get("MLP_HOME"):
        asked["env"] = [{"name": "MLP_HOME", "value": str(Path(home).absolute())}]
    return {"exec": asked}


def _own_command() -> str:
    """This command by its path, so that kubectl finds it whatever its PATH is."""
    called = Path(sys.argv[0])
    if called.name == _NAME and called.exists():
        return str(called.absolute())
    return shutil.which(_NAME) or _NAME


def credential(
    url: Annotated[str, typer.Option(help="The platform that the token must be of.")],
) -> None:
    """Print your sign-in's token the way kubectl asks for one; kubeconfigs name this command."""
    access = find_access()
    if access.url.rstrip("/") != url.rstrip("/"):
        # A token never goes to another platform than the one it is of.
        raise ApiError(f"You are signed in at {access.url}, and this kubeconfig is for {url}. "
                       f"Run: platform login --url {url}")  # fmt: skip
    if not access.token:
        raise ApiError(f"Not signed in. Run: platform login --url {url}")
    api_version = "client.authentication.k8s.io/v1"
    answer = {"apiVersion": api_version, "kind": "ExecCredential", "status": {"token": access.token}}
    typer.echo(json.dumps(answer))
