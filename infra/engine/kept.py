"""What the state kept on this machine says of a stack, and a program declared against it. No CLI, plugin or network.

Resources that exist answer with what they really are, so that a declaration differs from the state only where an
update would change something.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.engine import state
from infra.engine.declared import Answers, Declaration, NoAnswers, declare
from infra.engine.home import Home
from infra.engine.model import Output, Program
from infra.engine.vault import Vault

_SHORTEST_MADE_UP = 8
"""Characters that a made-up text has at least to be told from texts that only look like it."""


@dataclass(frozen=True)
class Kept:
    """One resource that a provider handles, as the last operation left it. Secrets are opened."""

    urn: str
    kind: str
    name: str
    identity: str
    inputs: Mapping[str, Any] = field(repr=False)
    outputs: Mapping[str, Any] = field(repr=False)
    secrets: frozenset[str] = frozenset()
    """Top-level inputs that hold one."""


@dataclass(frozen=True)
class KeptStack:
    """A stack's resources and exports."""

    resources: tuple[Kept, ...] = ()
    outputs: Mapping[str, Output] = field(default_factory=dict)
    providers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    """Inputs of the configured providers, by name."""
    settled: bool = True
    """Nothing is left of the last operation: none was cut off, nothing waits to be deleted or did not become ready."""


def read_kept(home: Path, stack: str, passphrase: Callable[[], str]) -> KeptStack | None:
    """The stack's state in the home; None where it has none here. Raises VaultError for another passphrase."""
    folder = Home(home, None, ())
    path = folder.state_file(stack)
    if path is None:
        return None
    checkpoint = json.loads(path.read_text("utf-8"))
    latest = (checkpoint.get("checkpoint") or {}).get("latest") or {}
    settings = folder.settings(stack)
    salt = settings.get("encryptionsalt") or ((latest.get("secrets_providers") or {}).get("state") or {}).get("salt")
    opened = _Opening(None if salt is None else Vault.load(str(salt), passphrase()))
    kept = tuple(
        Kept(
            urn=str(each["urn"]),
            kind=str(each["type"]),
            name=str(each["urn"]).rpartition("::")[2],
            identity=str(each.get("id") or ""),
            inputs=opened.value(each.get("inputs") or {}),
            outputs=opened.value(each.get("outputs") or {}),
            secrets=frozenset(
                {name for name, value in (each.get("inputs") or {}).items() if state.has_secret(value)}
                | set(each.get("additionalSecretOutputs") or ())
            ),
        )
        for each in state.resources(checkpoint)
        if each.get("custom") and not str(each["type"]).startswith("pulumi:") and not each.get("delete")
    )
    providers = {
        str(each["urn"]).rpartition("::")[2]: opened.value(each.get("inputs") or {})
        for each in state.resources(checkpoint)
        if str(each["type"]).startswith("pulumi:providers:")
    }
    outputs = state.outputs(checkpoint, opened.vault) if opened.vault else {}
    return KeptStack(kept, outputs, providers, state.settled(checkpoint))


@dataclass(frozen=True)
class _Opening:
    vault: Vault | None

    def value(self, value: Any) -> Any:
        return value if self.vault is None else state.opened(value, self.vault)


@dataclass(frozen=True)
class KnownAnswers:
    """Answers of resources that exist by what the state says, of others by `fallback`."""

    known: Mapping[tuple[str, str], tuple[str, Mapping[str, Any]]] = field(repr=False)
    """Type token and name → id and outputs."""
    fallback: Answers = field(default_factory=NoAnswers)

    def resource(self, kind: str, name: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        made_up = self.fallback.resource(kind, name, inputs)
        if (kind, name) not in self.known:
            return made_up
        identity, outputs = self.known[kind, name]
        real = {key: value for key, value in outputs.items() if key not in inputs and value is not None}
        return {**made_up, **real, "id": identity}

    def call(self, token: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        return self.fallback.call(token, arguments)


def known_answers(kept: Iterable[Kept], fallback: Answers | None = None) -> KnownAnswers:
    """Two resources of one type and name below different parents cannot be told apart and stay made up."""
    listed = tuple(kept)
    times = Counter((each.kind, each.name) for each in listed)
    known = {
        (each.kind, each.name): (each.identity, each.outputs) for each in listed if times[each.kind, each.name] == 1
    }
    return KnownAnswers(known, fallback or NoAnswers())


@dataclass(frozen=True)
class Against:
    """A declaration beside the state it was declared against."""

    declaration: Declaration
    kept: KeptStack
    made_up: tuple[str, ...] = ()
    """Texts that stand for outputs of resources that are not there yet."""


def declare_against(program: Program, kept: KeptStack | None, answers: Answers | None, stack: str) -> Against:
    """Raises what the program raises."""
    there = kept or KeptStack()
    known = known_answers(there.resources, answers)
    declaration = declare(program, known, stack)
    made_up: set[str] = set()
    for each in declaration.resources:
        if each.custom and (each.kind, each.name) not in known.known:
            made = known.fallback.resource(each.kind, each.name, each.properties)
            made_up |= set(_texts(made)) - set(_texts(each.properties))
    return Against(declaration, there, tuple(sorted(text for text in made_up if len(text) >= _SHORTEST_MADE_UP)))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for below in value.values():
            yield from _texts(below)
    elif isinstance(value, list | tuple):
        for below in value:
            yield from _texts(below)
