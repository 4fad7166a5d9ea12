"""What the engine raises.

    EngineError                 base; `stack` and `remedy` say where and what next
    ├── EngineBusy              this process already runs an operation; ask again later
    ├── PulumiMissing           no usable Pulumi binary; the toolchain makes one
    ├── StackMissing            no such stack; `up` makes it
    ├── StackLocked             another live process works on the stack; wait for it
    ├── PassphraseWrong         the state was encrypted with another passphrase; a retry does not help
    ├── PluginMissing           a program wants a provider plugin that was not handed to `Engine`
    ├── ProgramFailed           the program itself raised; a retry does not help
    ├── ResourcesFailed         providers refused or timed out; `failures` has each with its reason; retry may help
    ├── CreationsUnknown        a killed run left creations that only a person can judge; `platform repair`
    ├── StateUnreachable        the place of the state (infra.engine.folder)
    ├── OperationCancelled      stopped on request; the next `up` goes on from there
    └── OperationFailed         anything else, with the engine's own words

Messages may be shown to the operator: Pulumi has already blanked secrets in them.
"""

from __future__ import annotations

from dataclasses import dataclass


class EngineError(Exception):
    """Base. `str()` is a full sentence of fact and expectation; `remedy` is what to do next."""

    def __init__(self, message: str, *, stack: str = "", remedy: str = "") -> None:
        super().__init__(message)
        self.stack = stack
        self.remedy = remedy


class EngineBusy(EngineError):
    """One process runs one operation at a time."""


class PulumiMissing(EngineError):
    """The Pulumi binary is not there or does not start."""


class StackMissing(EngineError):
    """No such stack in this home."""


class StackLocked(EngineError):
    """Another process holds the stack's lock and is alive (or runs on another host, where that can't be seen)."""

    def __init__(self, message: str, *, stack: str, holder: str, remedy: str = "") -> None:
        super().__init__(message, stack=stack, remedy=remedy)
        self.holder = holder
        """Such as `root@host (pid 4711)`."""


class PassphraseWrong(EngineError):
    """The passphrase does not open the stack's secrets."""


class PluginMissing(EngineError):
    """The engine found no plugin for a package."""

    def __init__(self, message: str, *, stack: str, plugin: str, remedy: str = "") -> None:
        super().__init__(message, stack=stack, remedy=remedy)
        self.plugin = plugin


class ProgramFailed(EngineError):
    """The Pulumi program raised. `details` holds its traceback for `--debug`."""

    def __init__(self, message: str, *, stack: str, details: str = "", remedy: str = "") -> None:
        super().__init__(message, stack=stack, remedy=remedy)
        self.details = details


@dataclass(frozen=True)
class Failure:
    """One resource that failed, and why in the provider's words."""

    urn: str
    kind: str
    name: str
    reason: str


class ResourcesFailed(EngineError):
    """At least one resource failed; the others were finished or left as they were."""

    def __init__(self, message: str, *, stack: str, failures: tuple[Failure, ...], remedy: str = "") -> None:
        super().__init__(message, stack=stack, remedy=remedy)
        self.failures = failures


class CreationsUnknown(EngineError):
    """A cloud may or may not have made what a killed run was creating, under an id that nobody knows."""


class OperationCancelled(EngineError):
    """Stopped on request. What was running has ended or is found again by the next run."""


class OperationFailed(EngineError):
    """The engine failed for a reason of its own."""
