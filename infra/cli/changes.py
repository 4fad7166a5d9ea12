"""What changing commands have in common: asking before a loss, and following an operation to its end."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import typer

from infra.api.client import Client
from infra.cli import options
from infra.cli.output import Format, chosen, document, hint, out
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
class Following:
    """How an operation is followed: `seconds` bounds the wait, 0 returns at once; `form` is what is written."""

    seconds: float
    form: Format


def follows(seconds: float) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives a command the options for following an operation, for `seconds` unless told, behind its own; it takes
    them as its parameter `how`."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def run(timeout: float, no_wait: bool, output: Format, as_json: bool, **given: Any) -> None:
            command(**given, how=Following(0 if no_wait else timeout, chosen(output, as_json)))

        parameters = inspect.signature(command, eval_str=True).parameters
        added = (
            ("timeout", options.Wait, seconds),
            ("no_wait", options.NoWait, False),
            ("output", options.Output, Format.TABLE),
            ("as_json", options.Json, False),
        )
        own = [parameter for name, parameter in parameters.items() if name != "how"]
        shared = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=option)
            for name, option, default in added
        ]
        # The signature is where typer finds a command's options.
        run.__signature__ = inspect.Signature([*own, *shared])  # type: ignore[attr-defined]
        return run

    return decorate


def report_operation(api: Client, operation: dict[str, Any] | None, how: Following, done: str, undo: str = "") -> None:
    """Follows an operation and says how it ended. Raises LifecycleError where it failed."""
    if operation is None:
        if not document({"operation": None}, how.form):
            out.print(f"{done} Nothing had to change.", markup=False)
        return
    ended = api.wait(operation["id"], how.seconds) if how.seconds else operation
    shown = document(ended, how.form)
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
