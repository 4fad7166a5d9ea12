"""The one place where the CLI's words are read: failed command → our error.

Only what events do not tell is read from text. Every pattern has a recorded sample of the pinned CLI version in
tests/unit/engine/samples.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from infra.engine.errors import (
    EngineError,
    Failure,
    OperationCancelled,
    OperationFailed,
    PassphraseWrong,
    PluginMissing,
    ProgramFailed,
    ResourcesFailed,
    StackLocked,
    StackMissing,
)

_LOCKED = re.compile(r"the stack is currently locked by \d+ lock")
_HOLDER = re.compile(r"created by (?P<user>\S+)@(?P<host>\S+) \(pid (?P<pid>\d+)\)")
_PASSPHRASE = re.compile(r"incorrect passphrase|passphrase must be set")
_PLUGIN = re.compile(
    r"(?:no resource plugin|could not find plugin)[^\n]*?'?(?:pulumi-resource-)?(?P<name>[a-z0-9-]+)'?"
)
_NO_STACK = re.compile(r"no stack named '?(?P<name>[^' ]+)'? found")
_INLINE = "python inline source runtime error:"
_CANCELLED = re.compile(r"update cancell?ed|cancellation|update was cancell?ed", re.IGNORECASE)


@dataclass(frozen=True)
class Holder:
    """Who holds a stack's lock."""

    user: str
    host: str
    pid: int

    def __str__(self) -> str:
        return f"{self.user}@{self.host} (pid {self.pid})"


def lock_holder(text: str) -> Holder | None:
    """The first holder that a refusal names; None where the text is no such refusal."""
    found = _HOLDER.search(text) if _LOCKED.search(text) else None
    return Holder(found["user"], found["host"], int(found["pid"])) if found else None


def translate(  # noqa: PLR0911 - one return per error of the tree
    stack: str,
    stdout: str,
    stderr: str,
    *,
    failures: tuple[Failure, ...] = (),
    general: tuple[str, ...] = (),
    stopped: bool = False,
) -> EngineError:
    """The error that a failed command means. `failures` and `general` come from events, `stopped` from us."""
    both = "\n".join((stderr, stdout, *general, *(failure.reason for failure in failures)))
    if stopped:
        return OperationCancelled(
            f"Stopped on request while working on stack {stack}.", stack=stack, remedy="Run the same command to go on."
        )
    if _LOCKED.search(both):
        holder = lock_holder(both)
        return StackLocked(
            f"Stack {stack} is being changed by another process: {holder or 'unknown'}.",
            stack=stack,
            holder=str(holder or "unknown"),
            remedy="Wait until it has finished, then try again.",
        )
    if _PASSPHRASE.search(both):
        return PassphraseWrong(
            f"The passphrase does not open the secrets of stack {stack}; it was encrypted with another one.",
            stack=stack,
            remedy="Put back the passphrase file that belongs to this installation.",
        )
    if _INLINE in both:
        return _program_failed(stack, next((text for text in general if _INLINE in text), both))
    if found := _PLUGIN.search(both):
        return PluginMissing(
            f"Stack {stack} needs the provider plugin {found['name']}, which is not installed.",
            stack=stack,
            plugin=found["name"],
            remedy="Hand the plugin to the engine; it is not fetched from the internet.",
        )
    if failures:
        first = failures[0]
        more = f" ({len(failures) - 1} more failed)" if len(failures) > 1 else ""
        return ResourcesFailed(f"{first.kind} {first.name}: {first.reason}{more}", stack=stack, failures=failures)
    if found := _NO_STACK.search(both):
        return StackMissing(f"There is no stack {stack}.", stack=stack, remedy="`platform up` makes it.")
    if _CANCELLED.search(both):
        return OperationCancelled(f"The operation on stack {stack} was cancelled.", stack=stack)
    return OperationFailed(_last_words(stderr, general, stdout), stack=stack)


def _program_failed(stack: str, text: str) -> ProgramFailed:
    after = text.split(_INLINE, 1)[1]
    message, _, trace = after.partition("Traceback (most recent call last):")
    return ProgramFailed(
        f"The program of stack {stack} failed: {' '.join(message.split())}", stack=stack, details=trace.strip()
    )


def _last_words(stderr: str, general: tuple[str, ...], stdout: str) -> str:
    for text in (*general, stderr, stdout):
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        if lines:
            return " ".join(lines[-3:])
    return "Pulumi failed without a word."
