"""An `up` of a small program in a process of its own, to be watched, refused or killed.

Usage: `python -m tests.clouds_support.driver FOLDER STATE`, with STATE a URL or `home`. The cloud is FOLDER/cloud.

Prints a JSON line for each event, then `{"ended": <error class or "done">, "text": <message>}`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from infra.engine.errors import EngineError
from infra.engine.model import Event
from tests.clouds_support.harness import STACK
from tests.clouds_support.small import Pair, cloud_at


def say(line: dict[str, str]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def main() -> None:
    folder, state = sys.argv[1:]

    def show(event: Event) -> None:
        say({"kind": event.kind, "name": event.resource.name if event.resource else "", "text": event.text})

    try:
        cloud_at(Path(folder), state).engine.up(STACK, Pair(), on_event=show)
        ended = {"ended": "done", "text": ""}
    except EngineError as error:
        ended = {"ended": type(error).__name__, "text": str(error)}
    say(ended)


if __name__ == "__main__":
    main()
