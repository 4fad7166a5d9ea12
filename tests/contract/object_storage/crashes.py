"""Ends work before or after one of its calls to the outside, as a killed process would."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field


class Killed(BaseException):
    """Nothing of the product may catch this."""


@dataclass
class Fuse:
    """Told of every call before it is made and after its answer came. `blow_at` counts both, from 1; 0: never."""

    blow_at: int = 0
    passed: int = 0
    calls: list[str] = field(default_factory=list)

    def reached(self, call: str) -> None:
        self.passed += 1
        self.calls.append(call)
        if self.passed == self.blow_at:
            raise Killed(call)


def at_every_call(fuse: Fuse, work: Callable[[], object], then: Callable[[int], None]) -> int:
    """Kills `work` at its first call, its second ..., and calls `then` with the number after each; gives the last.

    `work` must begin anew each time it is called. Ends when `work` came through without being killed.
    """
    point = 0
    while True:
        point += 1
        fuse.passed, fuse.blow_at = 0, point
        with suppress(Killed):
            work()
        came_through = fuse.passed < point
        fuse.blow_at = 0
        if came_through:
            return point - 1
        then(point)
