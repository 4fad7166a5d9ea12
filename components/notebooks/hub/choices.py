"""What a person may choose at the start of a server, and what there is room for. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from components.notebooks.hub.settings import HubSettings, SizeChoice

_MIB = 2**20
_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?)(m|k|[MGTPE]|[KMGTPE]i|)")
_UNITS = {"": Decimal(1), "m": Decimal("0.001"), "k": Decimal(1000)}
_UNITS |= {unit: Decimal(1000) ** power for power, unit in enumerate("MGTPE", 2)}
_UNITS |= {f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", 1)}
_REPOSITORY = r"^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~@-]+)+/?$"
"""No user, no password, no query: they would stand in the pod's description, which the workspace's members read."""


class ChoiceRefused(ValueError):
    """One clear sentence for each thing that is wrong."""


class Choice(BaseModel):
    """The body of a start by the API (`user_options`), and the fields of the form."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: str = ""
    image: str = ""
    gpu: str = ""
    """GPU class; empty for none."""
    gpus: Annotated[int, Field(ge=0, le=16)] = 0
    repository: Annotated[str, Field(pattern=f"^$|{_REPOSITORY}", max_length=300)] = ""
    """Cloned into the home once, by the person's own pod."""


@dataclass(frozen=True)
class Room:
    """What a workspace's quota leaves: cores, bytes, pods, GPUs by class. None: no bound."""

    cpu: Decimal | None = None
    memory: Decimal | None = None
    pods: Decimal | None = None
    gpus: Mapping[str, Decimal] | None = None

    def lacks(self, size: SizeChoice) -> str:
        """What there is too little of for the size, such as `memory`; empty where it fits."""
        if self.pods is not None and self.pods < 1:
            return "pods"
        if self.cpu is not None and self.cpu < Decimal(str(size.cpu)):
            return "CPU"
        return "memory" if self.memory is not None and self.memory < size.memory * _MIB else ""


def read(options: Mapping[str, Any], settings: HubSettings) -> Choice:
    """The choice with defaults in place. Raises ChoiceRefused with all that is wrong with it."""
    try:
        choice = Choice.model_validate(dict(options))
    except ValidationError as error:
        raise ChoiceRefused(" ".join(_sentence(each["loc"], each["type"]) for each in error.errors())) from None
    wrong = []
    if choice.size and choice.size not in settings.sizes:
        wrong.append(f"There is no size {choice.size!r}; choose one of {', '.join(settings.sizes)}.")
    if choice.image and choice.image not in settings.images:
        wrong.append(f"There is no image {choice.image!r}; choose one of {', '.join(settings.images)}.")
    if choice.gpu and choice.gpu not in settings.gpu_classes:
        known = ", ".join(settings.gpu_classes) or "none on this platform"
        wrong.append(f"There is no GPU class {choice.gpu!r}; there are: {known}.")
    if choice.gpus and not choice.gpu:
        wrong.append("Name the GPU class in gpu, or leave gpus out.")
    if wrong:
        raise ChoiceRefused(" ".join(wrong))
    return choice.model_copy(
        update={
            "size": choice.size or next(iter(settings.sizes)),
            "image": choice.image or next(iter(settings.images)),
            "gpus": max(choice.gpus, 1) if choice.gpu else 0,
        }
    )


def fits(choice: Choice, room: Room, settings: HubSettings) -> None:
    """Raises ChoiceRefused where the workspace's quota has no room for the choice now."""
    lacks = room.lacks(settings.sizes[choice.size])
    if lacks:
        free = [name for name, size in settings.sizes.items() if not room.lacks(size)]
        remedy = f"these sizes fit: {', '.join(free)}" if free else "stop something there or ask for a larger quota"
        raise ChoiceRefused(f"Size {choice.size} does not fit: the workspace has too little {lacks} left; {remedy}.")
    left = (room.gpus or {}).get(choice.gpu)
    if choice.gpu and left is not None and left < choice.gpus:
        raise ChoiceRefused(f"The workspace has {left.normalize()} of {choice.gpu} left and {choice.gpus} are wanted.")


def room(quotas: Iterable[Mapping[str, Any]], gpu_classes: Iterable[str] = ()) -> Room:
    """What ResourceQuotas without a scope leave, taking the least where several bound the same.

    `quotas`: objects as the API server gives them; one without a status yet bounds by its spec alone.
    """
    left: dict[str, Decimal] = {}
    for quota in quotas:
        if quota["spec"].get("scopes") or quota["spec"].get("scopeSelector"):
            continue
        status = quota.get("status") or {}
        hard, used = status.get("hard") or quota["spec"].get("hard") or {}, status.get("used") or {}
        for name, value in hard.items():
            free = amount(value) - amount(used.get(name, "0"))
            left[name] = min(left.get(name, free), free)
    gpus = {name: left[f"requests.{name}"] for name in gpu_classes if f"requests.{name}" in left}
    return Room(left.get("limits.cpu"), left.get("limits.memory"), left.get("pods"), gpus)


def amount(quantity: str) -> Decimal:
    """A Kubernetes quantity as a number. ValueError for what is none."""
    match = _QUANTITY.fullmatch(quantity)
    try:
        return Decimal(match[1]) * _UNITS[match[2]] if match else Decimal(quantity)
    except InvalidOperation:
        raise ValueError(f"not a Kubernetes quantity: {quantity!r}") from None


def _sentence(location: tuple[int | str, ...], kind: str) -> str:
    name = ".".join(str(part) for part in location)
    if kind == "extra_forbidden":
        return f"There is no option {name!r}; there are {', '.join(Choice.model_fields)}."
    if name == "repository":
        return "The repository must be an https:// address without a user name, password or query."
    return f"The option {name!r} has a wrong value."
