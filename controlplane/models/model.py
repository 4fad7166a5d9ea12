"""Registered models of a workspace, as MLflow has them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from controlplane.model import Paging, View

ModelName = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f/:]+$", min_length=1, max_length=256)]
"""MLflow's own rule: anything but slashes and colons."""
Alias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", min_length=1, max_length=100)]
Version = Annotated[int, Field(ge=1, le=2**31 - 1)]


class ModelAlias(View):
    alias: str
    version: int


class RegisteredModel(View):
    name: str
    description: str
    aliases: tuple[ModelAlias, ...]
    latest: int | None
    """Number of the newest version; None before the first."""
    url: str
    """Its page in MLflow."""
    created_at: datetime | None
    updated_at: datetime | None


class ModelVersion(View):
    version: int
    aliases: tuple[str, ...]
    status: str
    run: str | None
    """Id of the run that made it; None where none did."""
    description: str
    created_at: datetime | None
    url: str


class ModelDetail(View):
    model: RegisteredModel
    versions: tuple[ModelVersion, ...]
    """Newest first, at most 200."""


class ModelQuery(Paging):
    pass
