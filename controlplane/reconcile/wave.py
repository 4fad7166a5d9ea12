"""Steps that do not depend on each other, run side by side; every error is kept, not the first one only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from controlplane.errors import ControlPlaneError, Temporary

T = TypeVar("T")


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """What came of a wave, by the steps' names."""

    results: Mapping[str, T]
    errors: Mapping[str, ControlPlaneError]

    def __add__(self, later: Outcome[T]) -> Outcome[T]:
        return Outcome({**self.results, **later.results}, {**self.errors, **later.errors})

    @property
    def retry(self) -> bool:
        """Whether trying again may help: some failed, and each failure is one that may pass."""
        return bool(self.errors) and all(isinstance(error, Temporary) for error in self.errors.values())

    @property
    def retry_after(self) -> float | None:
        """The longest pause that a failed step asked for, in seconds."""
        asked = [e.retry_after for e in self.errors.values() if isinstance(e, Temporary) and e.retry_after is not None]
        return max(asked, default=None)

    def message(self) -> str:
        """All failures in one text, in a stable order."""
        return "; ".join(f"{name}: {error}" for name, error in sorted(self.errors.items()))


def run(pool: ThreadPoolExecutor, steps: Mapping[str, Callable[[], T]]) -> Outcome[T]:
    """Runs all steps and waits for all. Errors that are no ControlPlaneError are bugs and pass through, at the end."""
    futures = {name: pool.submit(step) for name, step in steps.items()}
    results: dict[str, T] = {}
    errors: dict[str, ControlPlaneError] = {}
    bug: BaseException | None = None
    for name, future in futures.items():
        error = future.exception()
        if error is None:
            results[name] = future.result()
        elif isinstance(error, ControlPlaneError):
            errors[name] = error
        else:
            bug = bug or error
    if bug is not None:
        raise bug
    return Outcome(results, errors)
