"""Registered models beside what runs. Pure."""

from __future__ import annotations

from datetime import datetime

from controlplane.contents.model import Content, ContentKind, ContentState, Group
from controlplane.tracking import links
from controlplane.tracking.model import RegisteredModel


def registered(namespace: str, model: RegisteredModel, created_at: datetime) -> Content:
    versions = [f"newest version {model.latest}"] if model.latest else ["no version yet"]
    aliases = [f"{alias} is version {number}" for alias, number in sorted(model.aliases.items())]
    return Content(
        kind=ContentKind.MODEL, group=Group.MODELS, name=model.name, state=ContentState.REGISTERED, reason="",
        progress=", ".join(versions + aliases), owner=None, queue=None, actions=(),
        url=links.registered_model(namespace, model.name), created_at=created_at, started_at=None, ended_at=None,
    )  # fmt: skip
