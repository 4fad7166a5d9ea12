"""The form at the start of a server: HTML from the choices, and what was chosen from the form's fields. Pure."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from components.notebooks.hub import choices

if TYPE_CHECKING:
    from components.notebooks.hub.settings import HubSettings
    from components.notebooks.hub.spawner import WorkspaceSpawner


async def options_form(spawner: WorkspaceSpawner) -> str:
    """What JupyterHub shows between its own page's head and the start button."""
    return render(spawner.hub_settings, await spawner.room())


def options_of(fields: dict[str, list[str]]) -> dict[str, Any]:
    """`user_options` from the form's fields; `choices.read` judges them."""
    chosen: dict[str, Any] = {name: values[-1].strip() for name, values in fields.items() if values and values[-1]}
    chosen.pop("_xsrf", None)
    if chosen.get("gpus", "").isdecimal():
        chosen["gpus"] = int(chosen["gpus"])
    return chosen


def render(settings: HubSettings, room: choices.Room) -> str:
    """Sizes without room are shown and cannot be chosen."""
    sizes = []
    for name, size in settings.sizes.items():
        lacks = room.lacks(size)
        text = f"{name}: {size.cpu:g} CPU, {size.memory / 1024:g} GiB"
        sizes.append(_option(name, f"{text} (too little {lacks} left)" if lacks else text, disabled=bool(lacks)))
    parts = [_field("size", "Size", f"<select class='form-control' id='size' name='size'>{''.join(sizes)}</select>")]
    if len(settings.images) > 1:
        images = "".join(_option(name, name) for name in settings.images)
        parts.append(
            _field("image", "Image", f"<select class='form-control' id='image' name='image'>{images}</select>")
        )
    if settings.gpu_classes:
        gpus = "".join(_option(name, name or "none") for name in ("", *settings.gpu_classes))
        parts.append(_field("gpu", "GPU", f"<select class='form-control' id='gpu' name='gpu'>{gpus}</select>"))
    parts.append(
        _field(
            "repository",
            "Git repository to clone (optional)",
            "<input class='form-control' id='repository' name='repository' type='url' pattern='https://.+'"
            " placeholder='https://…' autocomplete='off'>",
        )
    )
    return "".join(parts)


def _field(name: str, title: str, control: str) -> str:
    return f"<div class='form-group mb-3'><label for='{name}'>{escape(title)}</label>{control}</div>"


def _option(value: str, text: str, *, disabled: bool = False) -> str:
    return f"<option value='{escape(value)}'{' disabled' if disabled else ''}>{escape(text)}</option>"
