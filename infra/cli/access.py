"""`platform login`, `logout`, `whoami` and `platform token`: who the command line is, and tokens for scripts.

The API is found in this order: MLP_URL with MLP_TOKEN (and MLP_CA_FILE), what `login` kept, the installation on this
machine.
"""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from infra.api.client import Access, ApiError, Client
from infra.api.login import new_token
from infra.cli import options
from infra.cli.output import Format, ago, chosen, document, hint, out, rows
from infra.installation.home import Home, homes_root, write_private
from infra.installation.record import read_record
from infra.lifecycle.access import sign_in
from infra.profile.load import load

tokens = typer.Typer(help="Tokens for scripts: scoped, expiring, shown once.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    for command in (login, logout, whoami):
        app.command()(command)


def _kept() -> Path:
    return homes_root() / "login.json"


def find_access() -> Access:
    """Where the API is and how to be let in. Raises ApiError saying how to sign in where nothing is known."""
    if url := os.environ.get("MLP_URL"):
        ca_file = os.environ.get("MLP_CA_FILE")
        return Access(url, os.environ.get("MLP_TOKEN", ""), Path(ca_file).read_text("ascii") if ca_file else "")
    if _kept().exists():
        return Access(**json.loads(_kept().read_text("utf-8")))
    homes = [home for home in installations() if home.exists]
    if len(homes) == 1 or (homes and homes[0].name == "local"):
        return sign_in(homes[0], seconds=5)
    if homes:
        names = ", ".join(home.name for home in homes)
        raise ApiError(f"There are several installations ({names}). Choose one: platform login --profile NAME")
    raise ApiError("No control plane is known. Install one (platform up) or sign in: platform login --url https://…")


def installations() -> list[Home]:
    """Installations on this machine, `local` first."""
    root = homes_root()
    names = sorted(path.name for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
    homes = [Home(name) for name in sorted(names, key=lambda name: name != "local")]
    return [Home(home.name, source=read_record(home).source) for home in homes]


def client() -> Client:
    """A client for the control plane that commands talk to."""
    return Client(find_access())


def login(
    url: Annotated[str | None, typer.Option(help="Address of the platform, such as https://ml.example.com.")] = None,
    profile: Annotated[str | None, typer.Option("--profile", "-p", help="An installation on this machine.")] = None,
    account: Annotated[str | None, typer.Option(help="Account name; asked for where it is missing.")] = None,
    ca_file: Annotated[Path | None, typer.Option(help="Certificate authority to trust, PEM.", exists=True)] = None,
) -> None:
    """Sign in, and keep a token for later commands. The password is asked for, or read from standard input."""
    if profile is not None:
        home = Home(load(profile).name)
        home.require()
        access = sign_in(home, seconds=5)
    else:
        address = url or typer.prompt("Address of the platform")
        ca = ca_file.read_text("ascii") if ca_file else ""
        name = account or typer.prompt("Account")
        secret = typer.prompt("Password", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
        access = Access(address, new_token(Access(address, "", ca), name, secret), ca)
    write_private(_kept(), json.dumps(asdict(access)))
    with Client(access) as api:
        me = api.get("/me")
    out.print(f"Signed in as {me['account']} at {access.url}.")


def logout() -> None:
    """Forget the kept sign-in. Its token ends by itself; end it now with `platform token revoke`."""
    _kept().unlink(missing_ok=True)
    out.print("Signed out.")


def whoami(output: options.Output = Format.TABLE, as_json: options.Json = False) -> None:
    """Say who you are, and your role in each tenant."""
    access = find_access()
    with Client(access) as api:
        me = api.get("/me")
    if document(me | {"url": access.url}, chosen(output, as_json)):
        return
    out.print(f"{me['account']} at {access.url}" + (", platform administrator" if me["platform_admin"] else ""))
    rows(me["tenants"], (("tenant", lambda t: t["tenant"]), ("role", lambda t: t["role"])), "Member of no tenant.")


_SPAN = re.compile(r"(\d{1,4})([hd])")


def until(text: str) -> str:
    """The moment so long from now, for the API. Wrong use where the text is no span."""
    match = _SPAN.fullmatch(text)
    if not match:
        raise typer.BadParameter("must be hours or days, such as 12h or 30d", param_hint="--for")
    span = timedelta(hours=int(match[1])) if match[2] == "h" else timedelta(days=int(match[1]))
    return (datetime.now(UTC) + span).isoformat(timespec="seconds")


@tokens.command()
def create(
    name: Annotated[str, typer.Argument(help="What it is for, to recognise it by.")] = "script",
    scope: Annotated[
        list[str] | None, typer.Option(help="read, write, tracking or kubernetes; all by default.")
    ] = None,
    tenant: Annotated[str | None, typer.Option(help="Narrow it to one tenant.")] = None,
    span: Annotated[
        str | None, typer.Option("--for", help="How long it lives, such as 12h or 30d; never beyond your own sign-in.")
    ] = None,
    secret_only: Annotated[bool, typer.Option("--secret-only", help="Print nothing but the token.")] = False,
    output: options.Output = Format.TABLE,
    as_json: options.Json = False,
) -> None:
    """Make a token. It is shown this once."""
    body: dict[str, object] = {"name": name}
    body |= {"expires_at": until(span)} if span else {}
    body |= {"scopes": scope} if scope else {}
    body |= {"tenant": tenant} if tenant else {}
    with client() as api:
        made = api.post("/tokens", body)
    if secret_only:
        typer.echo(made["secret"])
    elif not document(made, chosen(output, as_json)):
        out.print(made["secret"], markup=False)
        hint(f"It is not shown again. Undo: platform token revoke {made['token']['id']}")


@tokens.command("list")
def list_(output: options.Output = Format.TABLE, as_json: options.Json = False) -> None:
    """List your tokens."""
    with client() as api:
        items = list(api.every("/tokens"))
    columns = (
        ("name", lambda t: t["name"]),
        ("hint", lambda t: t["hint"]),
        ("scopes", lambda t: ",".join(t["scopes"])),
        ("tenant", lambda t: t["tenant"]),
        ("expires", lambda t: "revoked" if t["revoked_at"] else ago(t["expires_at"])),
        ("last used", lambda t: ago(t["last_used_at"])),
        ("id", lambda t: t["id"]),
    )
    if not document(items, chosen(output, as_json)):
        rows(items, columns, "No tokens yet. Make one: platform token create NAME")


@tokens.command()
def revoke(token: Annotated[str, typer.Argument(help="Its id, from `platform token list`.")]) -> None:
    """End a token now."""
    with client() as api:
        api.delete(f"/tokens/{token}")
    out.print("The token is revoked.")
