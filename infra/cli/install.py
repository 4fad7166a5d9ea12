"""`platform up`, `status`, `password`, `verify` and `down`: one installation."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from infra.cli import options
from infra.cli.output import Format, chosen, clock, document, err, hint, out, rows
from infra.cli.progress import progress
from infra.cli.tour import show
from infra.installation.home import Home
from infra.lifecycle.errors import LifecycleError, Refused, StepFailed
from infra.lifecycle.progress import Report
from infra.plan.steps import steps as planned_steps
from infra.profile.load import load
from infra.profile.model import Profile


def register(app: typer.Typer) -> None:
    for command in (up, status, verify, password, down, orphans):
        app.command()(command)


def _logged(home: Home, command: str, as_json: bool) -> AbstractContextManager[Report]:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    return progress(as_json, home.logs / f"{command}-{stamp}.log")


def up(
    profile: options.ProfileName = "local",
    overrides: options.Overrides = None,
    yes: options.Yes = False,
    until: Annotated[
        str | None, typer.Option("--until", metavar="STEP", help="Stop after this step (see platform plan).")
    ] = None,
    output: options.Output = Format.TABLE,
    as_json: options.Json = False,
) -> None:
    """Install, change or repair the platform. Safe to run again at any time; resumes after a failure."""
    from infra.lifecycle.up import install

    loaded = load(profile, overrides or ())
    home = Home(loaded.name, source=profile)
    form = chosen(output, as_json)
    names = [step.name for step in planned_steps(loaded)]
    if until is not None and until not in names:
        raise typer.BadParameter(f"must be one of: {', '.join(names)}", param_hint="--until")
    _confirm_up(loaded, home, yes)
    with home.locked(f"up --profile {profile}"), _logged(home, "up", form is Format.JSON) as report:
        try:
            installed = install(loaded, home, report, until)
        except KeyboardInterrupt:
            raise LifecycleError(f"Stopped. What was done stays. Go on from there: platform up{home.flag}") from None
        except StepFailed as failure:
            err.print(f"Everything it said is in {home.logs}.", markup=False)
            raise StepFailed(
                failure.step,
                failure.title,
                f"{failure.reason}\nWhat was done stays. Go on from there: platform up{home.flag}",
            ) from failure
    shown = document(installed, form)
    if installed["broken"]:
        words = "\n".join(f"  {name}: {reason}" for name, reason in installed["broken"].items())
        raise LifecycleError(
            f"These components could not be installed; everything else is there and works:\n{words}\n"
            f"Try again with: platform up{home.flag}, or switch them off in the profile."
        )
    if shown:
        return
    if not installed["ready"]:
        hint(f"Done up to {until}. Go on with: platform up{home.flag}")
        return
    out.print(f"\nThe platform is up ({clock(installed['seconds'])}).")
    for name, url in installed["urls"].items():
        out.print(f"  {name:<10} {url}", markup=False)
    out.print(f"  {'login':<10} {installed['login']['account']}, password: {_shown_password(home)}", markup=False)
    if installed["name_servers"]:
        servers = ", ".join(installed["name_servers"])
        out.print(f"\nThe zone above the domain must delegate it to: {servers}", markup=False)
    out.print(f"\nThe browser trusts it with this certificate: {installed['ca_file']}", markup=False)
    hint("\n".join(["Next:", *(f"  {line}" for line in installed["next"])]))


def _shown_password(home: Home) -> str:
    """The password itself on a terminal; how to get it where output may end in a log."""
    if not sys.stdout.isatty():
        return f"platform password{home.flag}"
    from infra.installation.secrets import open_secrets
    from infra.lifecycle.names import ADMIN_PASSWORD

    return open_secrets(home).get(ADMIN_PASSWORD)


def _confirm_up(loaded: Profile, home: Home, yes: bool) -> None:
    if yes:
        return
    verb = "Change" if home.exists else "Install"
    what = f"{verb} the platform {loaded.name!r} (target {loaded.target}) on this machine?"
    if not sys.stdin.isatty():
        raise Refused(f"{what} Nobody is there to answer; confirm with --yes.")
    if not typer.confirm(what, default=True):
        raise Refused("Nothing was changed.")


def status(
    profile: options.ProfileName = "local",
    output: options.Output = Format.TABLE,
    as_json: options.Json = False,
) -> None:
    """Say what is installed and whether it works. Exit code 1 when it does not."""
    from infra.hosts.certificates import RENEW_DAYS
    from infra.lifecycle.status import status_of

    loaded = load(profile)
    result = status_of(loaded, Home(loaded.name, source=profile))
    if not document(result, chosen(output, as_json)):
        rows(
            result["components"],
            (
                ("component", lambda c: c["name"]),
                ("version", lambda c: c["version"]),
                ("ready", lambda c: c["ready"]),
                ("supply", lambda c: c["supply"]),
                ("reason", lambda c: c["reason"]),
            ),
            result["reason"],
        )
        for name, url in result["urls"].items():
            out.print(f"{name:<10} {url}", markup=False)
        if result["certificates"]:
            first = result["certificates"][0]
            soon = "; platform up renews it" if first["days_left"] < RENEW_DAYS else ""
            out.print(f"certificates: {first['days_left']} days left ({first['name']}){soon}", markup=False)
        if result["reason"] and result["components"]:
            out.print(result["reason"], markup=False)
    if not result["ready"]:
        raise typer.Exit(1)


def verify(
    profile: options.ProfileName = "local",
    only: Annotated[list[str] | None, typer.Option("--only", help="Run only checks whose name contains this.")] = None,
    output: options.Output = Format.TABLE,
    as_json: options.Json = False,
) -> None:
    """Prove the user story and the isolation of tenants, with evidence. Exit code 1 when a check fails."""
    from infra.verify.run import verify as run_verify

    loaded = load(profile)
    home = Home(loaded.name, source=profile)
    home.require()
    form = chosen(output, as_json)

    with home.locked("verify"):
        checks = run_verify(home, show, tuple(only or ()))
    failed = [check["name"] for check in checks if not check["pass"]]
    if not document({"checks": checks}, form):
        out.print(f"{len(checks) - len(failed)} of {len(checks)} checks passed.")
    if failed or not checks:
        raise typer.Exit(1)


def password(profile: options.ProfileName = "local") -> None:
    """Print the password of the first administrator (account `admin`)."""
    from infra.installation.secrets import open_secrets
    from infra.lifecycle.names import ADMIN_PASSWORD

    home = Home(load(profile).name, source=profile)
    home.require()
    typer.echo(open_secrets(home).get(ADMIN_PASSWORD))


def down(
    profile: options.ProfileName = "local",
    yes: options.Yes = False,
    confirm: Annotated[str | None, typer.Option("--name", help="The installation's name once more.")] = None,
    keep_data: Annotated[bool, typer.Option("--keep-data", help="Keep volumes, databases and secrets.")] = False,
    delete_data: Annotated[
        bool, typer.Option("--delete-data", help="Go on although workspaces hold data outside of this machine.")
    ] = False,
    output: options.Output = Format.TABLE,
    as_json: options.Json = False,
) -> None:
    """Remove the platform: processes, mounts, addresses, images, and data unless --keep-data."""
    from infra.cli.changes import confirm_loss
    from infra.lifecycle.down import remove

    loaded = load(profile)
    home = Home(loaded.name, source=profile)
    form = chosen(output, as_json)
    if not home.path.exists():
        if not document({"removed": False, "leftovers": []}, form):
            out.print(f"There is no installation named {loaded.name!r}.")
        return
    lost = "the cluster, but not its data" if keep_data else "the cluster and all data of all tenants"
    confirm_loss(f"installation {loaded.name}: {lost}", loaded.name, yes, confirm)
    with home.locked("down"), _logged(home, "down", form is Format.JSON) as report:
        result = remove(loaded, home, report, keep_data=keep_data, delete_data=delete_data)
    if not document(result, form):
        done = "The platform is stopped." if keep_data else "The platform is gone."
        out.print(done if not result["leftovers"] else "Some things are still there:")
        for leftover in result["leftovers"]:
            out.print(f"  {leftover}", markup=False)
        if keep_data:
            hint(f"Its data is kept. Bring it back with: platform up{home.flag}")
    if result["leftovers"]:
        raise typer.Exit(1)


def orphans(
    profile: options.ProfileName = "local",
    output: options.Output = Format.TABLE,
    as_json: options.Json = False,
) -> None:
    """List what bears a cloud installation's tag: after `down`, what was left. Exit code 1 where there is any."""
    from infra.clouds.opening import open_cloud

    loaded = load(profile)
    if loaded.cloud is None:
        raise Refused(f"Target {loaded.target} has nothing outside of its hosts; platform down says what it leaves.")
    found = [asdict(orphan) for orphan in open_cloud(loaded).orphans()]
    if not document({"orphans": found}, chosen(output, as_json)):
        rows(
            found,
            (
                ("kind", lambda one: one["kind"]),
                ("which", lambda one: one["identity"]),
                ("remedy", lambda one: one["remedy"]),
            ),
            f"Nothing in {loaded.target} bears the tag of {loaded.name!r}.",
        )
    if found:
        raise typer.Exit(1)
