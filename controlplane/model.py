"""Base classes of the shapes that the API and the console share: closed, frozen, with one page type."""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from components.names import SLUG_MAX


class View(BaseModel):
    """What is given out. Times are UTC, quantities strings, names come beside ids."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Command(BaseModel):
    """What is taken in. Unknown keys are refused; None or absent means: leave as it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")


T = TypeVar("T")


class Page(View, Generic[T]):
    """Part of a list, newest or first by name. `next` is the cursor of the following page; None at the end."""

    items: tuple[T, ...]
    next: str | None = None


class Paging(Command):
    """Query of every list."""

    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, StringConstraints(max_length=300)] | None = None
    search: Annotated[str, StringConstraints(max_length=100)] | None = None
    """Part of a name, case-insensitive."""


_ONE_LINE = r"^[^\x00-\x1f\x7f]*$"
_TEXT = r"^[^\x00-\x08\x0b-\x1f\x7f]*$"
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$", max_length=SLUG_MAX)]
"""The same language as `names.SLUG`, in the dialect that pydantic and JSON Schema share."""
Title = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=_ONE_LINE)]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=1000, pattern=_TEXT)]
