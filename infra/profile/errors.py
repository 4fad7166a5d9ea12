"""Why a profile was refused.

ProfileError
├── ProfileNotFound      no file of that name; lists what there is
└── ProfileInvalid       every problem of the document at once
"""

from __future__ import annotations

from dataclasses import dataclass


class ProfileError(Exception):
    """Shown to the person as it stands; a retry helps only after an edit."""


class ProfileNotFound(ProfileError):
    """The name is neither a file nor one of the shipped profiles."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong: `path` is dotted from the document's root, `value` the offending input as written."""

    path: str
    message: str
    value: object = None

    def __str__(self) -> str:
        shown = "" if self.value is None else f" (got {self.value!r})"
        return f"{self.path or '(document)'}: {self.message}{shown}"


class ProfileInvalid(ProfileError):
    """The document breaks the model. Holds every problem, in document order."""

    def __init__(self, source: str, problems: tuple[Problem, ...]) -> None:
        self.source = source
        self.problems = problems
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__("\n".join([f"{source}: {count}", *(f"  {problem}" for problem in problems)]))
