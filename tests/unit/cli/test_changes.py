"""The options that commands share which follow an operation."""

from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner

from infra.cli.changes import Following, follows
from infra.cli.output import Format


@pytest.mark.parametrize(
    ("words", "how"),
    [
        ([], Following(30, Format.TABLE)),
        (["--timeout", "5", "--json"], Following(5, Format.JSON)),
        (["--no-wait", "--timeout", "5", "-o", "wide"], Following(0, Format.WIDE)),
    ],
)
def test_a_command_is_told_how_to_follow_beside_its_own_options(words: list[str], how: Following) -> None:
    told: list[tuple[str, bool, Following]] = []
    app = typer.Typer()

    @app.command()
    @follows(30)
    def change(name: str, how: Following, hard: bool = False) -> None:
        told.append((name, hard, how))

    done = CliRunner().invoke(app, ["demo", "--hard", *words])
    assert done.exit_code == 0, done.output
    assert told == [("demo", True, how)]
