"""What changing commands have in common: asking before a loss, and following an operation to its end."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import typer

from infra.api.client import Client
from infra.cli.output import Format, document, hint, out
from infra.lifecycle.errors import LifecycleError, Refused


def confirm_loss(what: str, name: str, yes: bool, confirmed: str | None) -> None:
    """Lets through a destructive command only when its object was named: typed, or by `--yes --name NAME`.

    Raises Refused otherwise. `--yes` alone is enough where nobody can be asked twice by mistake: scripts that pass
    the name as the argument anyway must repeat it.
    """
    if yes:
        if confirmed is not None and confirmed != name:
            raise Refused(f"--name {confirmed} is not {name}. Nothing was deleted.")
        return
    if not sys.stdin.isatty():
        raise Refused(f"This deletes {what}. Confirm it with: --yes --name {name}")
    out.print(f"This deletes {what}.", markup=False)
    if typer.prompt(f"Type {name} to go on", default="", show_default=False) != name:
        raise Refused("That was not the name. Nothing was deleted.")


@dataclass(frozen=True)
class Ending:
    """How the end of an operation is told. `seconds` bounds the wait; 0 returns at once."""

    done: str
    undo: str
    seconds: float
    form: Format


def report_operation(api: Client, operation: dict[str, Any] | None, ending: Ending) -> None:
    """Follows an operation and says how it ended. Raises LifecycleError where it failed."""
    done, undo, form = ending.done, ending.undo, ending.form
    if operation is None:
        if not document({"operation": None}, form):
            out.print(f"{done} Nothing had to change.", markup=False)
        return
    ended = api.wait(operation["id"], ending.seconds) if ending.seconds else operation
    shown = document(ended, form)
    match ended["state"]:
        case "succeeded":
            if not shown:
                out.print(done, markup=False)
                if undo:
                    hint(undo)
        case "failed" | "parked" | "cancelled":
            step = next((s["name"] for s in ended["steps"] if s["state"] == "failed"), "")
            where = f" at step {step!r}" if step else ""
            raise LifecycleError(
                f"The operation {ended['state']}{where}: {ended['message'] or 'no reason given'}"
                f" (operation {ended['id']})"
            )
        case state:
            if not shown:
                waiting = f": {ended['message']}" if ended.get("message") else ""
                out.print(f"Operation {ended['id']} is {state}{waiting}. It goes on by itself.", markup=False)
