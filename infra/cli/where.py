"""`platform` alone: where you are and what comes next, in a few lines."""

from __future__ import annotations

from infra.cli.access import installations
from infra.cli.output import ago, hint, out
from infra.installation.home import Home
from infra.installation.record import Record, read_record


def show_where() -> None:
    """Installations on this machine, each in a line, and the next command."""
    homes = [home for home in installations() if home.exists]
    if not homes:
        out.print("Nothing is installed on this machine.")
        hint("Next: platform doctor       see what is here and what will be used\n"
             "      platform up           install the profile `local`\n"
             "      platform -h           every command")  # fmt: skip
        return
    for home in homes:
        out.print(_line(home, read_record(home)), markup=False)
    flag = homes[0].flag
    hint(f"Next: platform status{flag}\n      platform tenant list\n      platform -h")


def _line(home: Home, record: Record) -> str:
    failed = [step for step, entry in record.steps.items() if entry.state == "failed"]
    last = max((entry.finished for entry in record.steps.values() if entry.finished), default=None)
    when = f", {ago(last.isoformat())} ago" if last else ""
    if failed:
        return f"{home.name}: the last up failed at {failed[0]}{when}. Go on with: platform up{home.flag}"
    if not record.installed:
        return f"{home.name}: not finished. Go on with: platform up{home.flag}"
    return f"{home.name}: installed{when}, at {record.facts.get('public_url', '?')}"
