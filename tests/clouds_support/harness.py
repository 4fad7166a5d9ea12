"""Runs cloud programs through the real engine, with the stand-in for the cloud behind it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from infra.clusters.sdk import PACKAGES, known
from infra.engine.declared import Answers
from infra.engine.engine import Engine
from infra.engine.model import Event, Plugin, Program, Result
from tests.clouds_support.rules import users as users_of
from tests.clouds_support.store import Entry, Store, Thing
from tests.servers.binaries import find

STACK = "cluster"


def plugins(store: Path) -> tuple[Plugin, ...]:
    """The stand-ins of all clouds, at the versions of the installed SDKs."""
    return tuple(
        Plugin(
            package,
            version(module),
            (sys.executable, "-m", "tests.clouds_support.plugin", f"--package={package}", f"--store={store}"),
        )
        for package, module in PACKAGES.items()
    )


class Cloud:
    """One installation in a cloud of its own: `folder` holds both."""

    def __init__(self, folder: Path, answers: Answers | None = None, **engine: Any) -> None:
        self.home = folder / "home"
        self.store = Store(folder / "cloud")
        if answers is not None:
            self.store.save_answers(answers)
        self.engine = Engine(self.home, find("pulumi"), plugins=plugins(self.store.root), **engine)
        self.events: list[Event] = []

    def preview(self, program: Program) -> Result:
        return self.engine.preview(STACK, program, on_event=self.events.append)

    def up(self, program: Program, *, refresh: bool = False) -> Result:
        return self.engine.up(STACK, program, on_event=self.events.append, refresh=refresh)

    def refresh(self) -> Result:
        return self.engine.refresh(STACK, on_event=self.events.append)

    def destroy(self) -> Result:
        return self.engine.destroy(STACK, on_event=self.events.append)

    def journal(self, operation: str = "") -> list[Entry]:
        """What the cloud did, in order."""
        return [entry for entry in self.store.journal() if operation in ("", entry.operation)]

    def state(self) -> dict[str, Any]:
        """The stack's state as it lies on disk, secrets sealed."""
        path = self.home / "state" / ".pulumi" / "stacks" / "mlp" / f"{STACK}.json"
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))["checkpoint"]["latest"]
        return found

    def resources(self) -> list[Resource]:
        """What the state has of the clouds' resources."""
        return [
            Resource(
                urn=each["urn"],
                thing=Thing(
                    each["type"], each.get("id", ""), each["urn"].rpartition("::")[2], each.get("inputs") or {}, {}
                ),
                before=frozenset((*(each.get("dependencies") or ()), each.get("parent", ""))),
                protect=bool(each.get("protect")),
            )
            for each in self.state().get("resources") or []
            if known(each["type"]) and not each["type"].startswith("pulumi:")
        ]

    def written(self) -> str:
        """Everything that the engine wrote in the installation's folder, and every event it told."""
        files = [path.read_text("utf-8", "replace") for path in self.home.rglob("*") if path.is_file()]
        return "\n".join([*files, *(f"{event.text} {event}" for event in self.events)])


@dataclass(frozen=True)
class Resource:
    """One resource of a state."""

    urn: str
    thing: Thing
    before: frozenset[str]
    """URNs of what the engine makes before it: dependencies and parent, not theirs in turn."""
    protect: bool


def missing_dependencies(resources: list[Resource]) -> list[str]:
    """Resources whose inputs hold another one's id that the engine does not know them to depend on.

    It would make and delete them in any order.
    """
    by_urn = {each.urn: each for each in resources}
    things = [each.thing for each in resources]
    found = []
    for each in resources:
        users = users_of(each.thing, things)
        for user in resources:
            if user.thing in users and each.urn not in _all_before(user, by_urn):
                names = f"{user.thing.kind} {user.thing.name} names {each.thing.kind} {each.thing.name}"
                found.append(f"{names} but does not depend on it")
    return found


def _all_before(resource: Resource, by_urn: Mapping[str, Resource]) -> set[str]:
    found: set[str] = set()
    waiting = [*resource.before]
    while waiting:
        urn = waiting.pop()
        if urn and urn not in found:
            found.add(urn)
            if urn in by_urn:
                waiting += by_urn[urn].before
    return found
