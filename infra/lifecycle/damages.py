"""What killed runs left in the state, what each of it risks, and what can be done. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from infra.engine.holders import Lock
from infra.engine.repair import Pending


@dataclass(frozen=True)
class Damage:
    """One thing that is not as it should be."""

    stack: str
    kind: Literal["lock", "creation", "operation"]
    key: str
    """Of a lock `user@host`; of an operation the resource as `TYPE/NAME`."""
    found: str
    risk: str
    remedy: str
    """What `platform repair` does, or what a person must do first."""
    mends: bool
    """Whether `platform repair` does it now."""
    urn: str = ""


def damages(
    stack: str, locks: Sequence[Lock], pending: Sequence[Pending], *, lock_of: str = "", forget: Collection[str] = ()
) -> tuple[Damage, ...]:
    """Everything in one stack. `lock_of`: the holder whose locks a person gave up, as user@host. `forget`: creations
    that a person looked for in the cloud, as TYPE/NAME or by their name alone."""
    return (
        *(_lock(stack, lock, lock_of) for lock in locks),
        *(_operation(stack, each, forget) for each in pending),
    )


def _lock(stack: str, lock: Lock, lock_of: str) -> Damage:
    if lock.dead:
        return Damage(
            stack,
            "lock",
            lock.who,
            f"locked by {lock}, a process of this machine that is gone",
            "none: nobody holds it any more",
            "remove the lock",
            mends=True,
        )
    given_up = lock_of == lock.who and lock.dead is None
    where = "which runs on this machine" if lock.dead is False else "which can't be seen from here"
    return Damage(
        stack,
        "lock",
        lock.who,
        f"locked by {lock}, {where}",
        "two runs at once make everything twice and lose what one of them knew: ask that person first",
        "remove the lock"
        if given_up
        else "wait until that process has ended, or end it there"
        if lock.dead is False
        else f"ask that person; if the process is gone for good: platform repair --lock-of {lock.who}",
        mends=given_up,
    )


def _operation(stack: str, pending: Pending, forget: Collection[str]) -> Damage:
    key = f"{pending.resource.kind}/{pending.resource.name}"
    found = f"{key} was {pending.operation} when the run was killed"
    if pending.operation != "creating":
        return Damage(
            stack,
            "operation",
            key,
            found,
            "none: what became of it is read from where it lives",
            "forget the note and read what is there",
            mends=True,
            urn=pending.resource.urn,
        )
    if pending.settles:
        known = f" as {pending.identity}" if pending.identity else ""
        return Damage(
            stack,
            "creation",
            key,
            found,
            f"none: where it was made, it is found{known}",
            "read what is there and take it up, or make it anew",
            mends=True,
            urn=pending.resource.urn,
        )
    given_up = key in forget or pending.resource.name in forget
    return Damage(
        stack,
        "creation",
        key,
        found,
        "the cloud may have made it under an id that nobody knows; made again, the first stays and costs money",
        "forget it; what is left of it shows in the orphan check of platform down"
        if given_up
        else "look for it in the cloud by the installation's tag and delete it there; then: platform repair --forget "
        f"{pending.resource.name}",
        mends=given_up,
        urn=pending.resource.urn,
    )
