"""The `platform` command: puts the commands together and turns exceptions into sentences and exit codes.

Exit codes: 0 done, 1 failed, 2 wrong use, 3 refused by policy or confirmation, 4 waiting for approval.
"""

from __future__ import annotations

import os
import sys
import traceback
from typing import Annotated

import typer

from infra.api.client import ApiError
from infra.api.client import Refused as ApiRefused
from infra.cli import output
from infra.clouds.model import CloudError
from infra.clusters.errors import ClusterError
from infra.engine.errors import EngineError
from infra.installation.errors import InstallationError
from infra.lifecycle.errors import LifecycleError, Refused
from infra.prices.files import PricesInvalid
from infra.profile.errors import ProfileError
from infra.supply.errors import SupplyError

FAILED, WRONG_USE, REFUSED, WAITING = 1, 2, 3, 4

app = typer.Typer(
    name="platform",
    help="MLflow and Kubeflow for many teams: install it, and live in it.",
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    context.obj = {"debug": debug}
    if context.invoked_subcommand is None:
        from infra.cli.where import show_where

        show_where()


def register() -> None:
    """Puts every command in its place."""
    from infra.cli import (
        access,
        contents,
        install,
        kubeconfig,
        lineage,
        models,
        planning,
        profiles,
        repair,
        rights,
        tenants,
        tools,
        tour,
        workspaces,
    )

    for module in (planning, install, profiles, repair, rights, tools, lineage, access, kubeconfig, tour):
        module.register(app)
    app.add_typer(tenants.app, name="tenant")
    contents.register(workspaces.app)
    app.add_typer(workspaces.app, name="workspace")
    app.add_typer(models.app, name="model")
    access.tokens.command()(kubeconfig.credential)
    app.add_typer(access.tokens, name="token")


def main() -> None:
    """Runs the command and ends the process with its exit code."""
    register()
    try:
        app(prog_name="platform")
        code = 0
    except KeyboardInterrupt:
        code = _say("Stopped. What was done stays; run the same command to go on.", "", FAILED)
    except ProfileError as error:
        code = _say(str(error), "", WRONG_USE)
    except Refused as error:
        code = _say(str(error), "", REFUSED)
    except ApiRefused as error:
        code = _say(str(error), "", REFUSED if error.status == 403 else FAILED)
    except EngineError as error:
        code = _say(str(error), error.remedy, FAILED)
    except (ApiError, CloudError, ClusterError, InstallationError, LifecycleError, PricesInvalid, SupplyError) as error:
        code = _say(str(error), "", FAILED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = FAILED
    except Exception as error:  # noqa: BLE001 - the last resort: one sentence instead of a traceback
        code = _say(
            f"{type(error).__name__}: {error}",
            "This is a fault of the program. See it with: platform --debug …",
            FAILED,
        )
    sys.exit(code)


def _say(message: str, remedy: str, code: int) -> int:
    if "--debug" in sys.argv[1:2]:
        traceback.print_exc()
    output.fail(message, remedy)
    return code


if __name__ == "__main__":
    main()
