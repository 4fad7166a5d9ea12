"""What a Pulumi program declares, found without an engine, a plugin, credentials or a network.

The program runs in a process of its own under Pulumi's mocks: resources answer with their inputs and with what
`Answers` makes up for outputs that only the real thing knows, such as an address.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from infra.engine.model import PROJECT, Program


class Answers(Protocol):
    """Made-up outputs. Must be picklable: a class or dataclass at a module's top level."""

    def resource(self, kind: str, name: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """Outputs beside the inputs (camelCase); `id` sets the resource's id, which is its name otherwise."""

    def call(self, token: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a provider's function returns."""


class NoAnswers:
    """Every output that is no input is None."""

    def resource(self, kind: str, name: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        del kind, name, inputs
        return {}

    def call(self, token: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        del arguments
        raise LookupError(f"the program calls {token}, for which there is no answer offline")


@dataclass(frozen=True)
class Declared:
    """One resource. `properties` are plain data with Pulumi's names; secrets are opened (`secrets` says which)."""

    urn: str
    kind: str
    """Type token, such as `aws:ec2/vpc:Vpc`."""
    name: str
    properties: Mapping[str, Any]
    parent: str
    """URN; empty below the stack."""
    depends: tuple[str, ...] = ()
    """URNs of all that must be there before, sorted."""
    protect: bool = False
    custom: bool = True
    """False for component resources, which no provider handles."""
    secrets: tuple[str, ...] = ()
    """Names of top-level properties that hold a secret, and outputs that were declared secret; sorted."""


@dataclass(frozen=True)
class Declaration:
    """A program's resources, sorted by URN, and its exports."""

    resources: tuple[Declared, ...]
    exports: Mapping[str, Any] = field(default_factory=dict)

    def of(self, kind: str) -> tuple[Declared, ...]:
        """Resources with this type token."""
        return tuple(resource for resource in self.resources if resource.kind == kind)

    def one(self, kind: str, name: str) -> Declared:
        """The resource of that type and name. Raises LookupError naming those that are there."""
        for resource in self.of(kind):
            if resource.name == name:
                return resource
        known = ", ".join(resource.name for resource in self.of(kind)) or "none"
        raise LookupError(f"no {kind} named {name!r}; there are: {known}")


def declare(program: Program, answers: Answers | None = None, stack: str = "cluster") -> Declaration:
    """What the program declares. It must be picklable, as the frozen dataclasses of infra.clusters are.

    Raises what the program raises.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=context) as pool:
        return pool.submit(_declare, program, answers or NoAnswers(), stack).result()


@contextmanager
def _loop_of_this_thread() -> Iterator[None]:
    """An event loop for a worker thread: Pulumi's mocks would make one and leave it open."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def _declare(program: Program, answers: Answers, stack: str) -> Declaration:
    import pulumi
    from pulumi.runtime import mocks as pulumi_mocks
    from pulumi.runtime import rpc
    from pulumi.runtime import stack as pulumi_stack

    class Mocks(pulumi_mocks.Mocks):
        def call(self, args: Any) -> Any:
            return dict(answers.call(args.token, args.args))

        def new_resource(self, args: Any) -> tuple[str, dict[str, Any]]:
            made = dict(answers.resource(args.typ, args.name, args.inputs)) if args.custom else {}
            identity = str(made.pop("id", args.name))
            return identity, {**args.inputs, **made}

    class Monitor(pulumi_mocks.MockMonitor):
        def __init__(self) -> None:
            super().__init__(Mocks())
            self.declared: list[Declared] = []
            self.exports: dict[str, Any] = {}

        def make_urn(self, parent: str, type_: str, name: str) -> str:
            """As the engine makes it: the types of all parents but the stack, then its own."""
            above = parent.split("::")[2] if parent else ""
            qualified = type_ if above in ("", "pulumi:pulumi:Stack") else f"{above}${type_}"
            return f"urn:pulumi:{stack}::{PROJECT}::{qualified}::{name}"

        def Invoke(self, request: Any) -> Any:  # noqa: N802 - the name in Pulumi's protocol
            with _loop_of_this_thread():
                return super().Invoke(request)  # type: ignore[no-untyped-call]

        def RegisterResource(self, request: Any) -> Any:  # noqa: N802
            with _loop_of_this_thread():
                answer: Any = super().RegisterResource(request)  # type: ignore[no-untyped-call]
            if request.type != "pulumi:pulumi:Stack":
                raw = rpc.deserialize_properties(request.object)
                hidden = {key for key, value in raw.items() if _holds_secret(value)}
                self.declared.append(
                    Declared(
                        urn=answer.urn,
                        kind=request.type,
                        name=request.name,
                        properties={key: _opened(value) for key, value in raw.items()},
                        parent="" if "pulumi:pulumi:Stack" in request.parent.split("$")[-1] else request.parent,
                        depends=tuple(sorted(request.dependencies)),
                        protect=bool(request.protect),
                        custom=bool(request.custom),
                        secrets=tuple(sorted(hidden | set(request.additionalSecretOutputs))),
                    )
                )
            return answer

        def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
            if "pulumi:pulumi:Stack" in request.urn:
                self.exports = {k: _opened(v) for k, v in rpc.deserialize_properties(request.outputs).items()}
            return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]

    def _is_secret(value: Any) -> bool:
        return bool(rpc.is_rpc_secret(value))

    def _holds_secret(value: Any) -> bool:
        if _is_secret(value):
            return True
        if isinstance(value, dict):
            return any(_holds_secret(below) for below in value.values())
        return isinstance(value, list) and any(_holds_secret(below) for below in value)

    def _opened(value: Any) -> Any:
        if _is_secret(value):
            return _opened(rpc.unwrap_rpc_secret(value))
        if isinstance(value, dict):
            return {key: _opened(below) for key, below in value.items()}
        if isinstance(value, list):
            return [_opened(below) for below in value]
        return value

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    monitor = Monitor()
    settings = pulumi_mocks.MockSettings(  # type: ignore[no-untyped-call]
        monitor=monitor,
        engine=pulumi_mocks.MockEngine(None),
        project=PROJECT,
        stack=stack,
        dry_run=False,
        organization="organization",
    )
    pulumi.runtime.settings.configure(settings)
    loop.run_until_complete(pulumi_stack.run_in_stack(program))
    loop.close()
    return Declaration(tuple(sorted(monitor.declared, key=lambda one: one.urn)), monitor.exports)
