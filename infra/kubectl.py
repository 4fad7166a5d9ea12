"""kubectl as somebody: every call can be repeated by hand with the same words, which is what evidence is for."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from components.names import Role, tenant_group

_SECONDS = 60


class KubectlFailed(Exception):
    """What kubectl said on standard error. For a refusal this is the evidence."""


@dataclass(frozen=True)
class Person:
    """A user with groups, as the API server knows them."""

    user: str
    groups: tuple[str, ...]

    @property
    def flags(self) -> tuple[str, ...]:
        return (f"--as={self.user}", *(f"--as-group={group}" for group in (*self.groups, "system:authenticated")))


def person(tenant: str, role: Role) -> Person:
    """Somebody with that role in the tenant and no other right."""
    return Person(f"user:verify-{role.value}", (tenant_group(tenant, role),))


@dataclass(frozen=True)
class Kubectl:
    """kubectl with one kubeconfig."""

    binary: Path
    kubeconfig: Path

    def run(self, *arguments: str, who: Person | None = None, stdin: str = "", seconds: float = _SECONDS) -> str:
        """Standard output. Raises KubectlFailed with standard error, also after `seconds`."""
        command = [str(self.binary), f"--kubeconfig={self.kubeconfig}", *(who.flags if who else ()), *arguments]
        try:
            done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=seconds, check=False)
        except subprocess.TimeoutExpired:
            raise KubectlFailed(f"no answer within {seconds:.0f} s: {' '.join(arguments)}") from None
        if done.returncode:
            raise KubectlFailed(done.stderr.strip() or f"exit code {done.returncode}")
        return done.stdout

    def get(self, kind: str, name: str, namespace: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run("get", kind, name, f"--namespace={namespace}", "-o", "json"))
        return found

    def list(self, kind: str, namespace: str, selector: str = "") -> list[dict[str, Any]]:
        options = [f"--selector={selector}"] if selector else []
        found = json.loads(self.run("get", kind, f"--namespace={namespace}", "-o", "json", *options))
        items: list[dict[str, Any]] = found["items"]
        return items

    def create(self, obj: Mapping[str, Any], who: Person | None = None) -> str:
        """Creates an object, as that person."""
        return self.run("create", "-f", "-", who=who, stdin=json.dumps(obj)).strip()

    def refused(self, obj: Mapping[str, Any], who: Person) -> str:
        """The refusal's own words. Raises AssertionError where the object was accepted; it is removed then."""
        try:
            self.create(obj, who)
        except KubectlFailed as refusal:
            text = str(refusal)
            if "forbidden" in text or "denied" in text or "exceeded quota" in text or "violates" in text:
                return short(text)
            raise
        name, namespace = obj["metadata"]["name"], obj["metadata"]["namespace"]
        self.run("delete", obj["kind"].lower(), name, f"--namespace={namespace}", "--wait=false")
        raise AssertionError(f"{obj['kind']} {name} was accepted, but must be refused")


T = TypeVar("T")


def until(what: str, seconds: float, ask: Callable[[], T | None], every: float = 0.25) -> T:
    """The first answer that is not None. Raises AssertionError naming `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer is not None:
            return answer
        if time.monotonic() >= deadline:
            raise AssertionError(f"{what}: not within {seconds:.0f} s")
        time.sleep(every)


def short(text: str, limit: int = 300) -> str:
    """One line of at most `limit` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
