"""Quota as bars: how much of a limit is given away or used, as numbers with units and as shares. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from controlplane.console import text
from controlplane.quotas.model import Quota


@dataclass(frozen=True)
class Bar:
    """One resource. `reserved` and `used` are percent of the limit; `used` None: nothing is known of it."""

    name: str
    text: str
    short: str
    """Without words: `8 of 16 cores`."""
    free: str
    reserved: float
    used: float | None = None


@dataclass(frozen=True)
class Amount:
    """One resource of a quota in words."""

    name: str
    text: str


def _count(number: int) -> str:
    return f"{number:,}"


_RESOURCES: tuple[tuple[str, str, Callable[[int], str]], ...] = (
    ("cpu", "CPU", text.cores),
    ("memory", "Memory", text.size),
    ("storage", "Storage", text.size),
    ("pods", "Pods", _count),
)


def _gpu_name(resource: str) -> str:
    """`nvidia.com/gpu` → `GPU nvidia.com/gpu`: the class is what people order by."""
    return f"GPU {resource}"


def bars(limit: Quota, reserved: Quota, without: Quota | None = None) -> tuple[Bar, ...]:
    """What is reserved of a limit, per resource, with what is left. `without` is part of `reserved` and not counted."""
    if without is not None:
        reserved = _less(reserved, without)
    shown = [
        _bar(label, write, getattr(limit, name), getattr(reserved, name)) for name, label, write in _RESOURCES
    ]  # fmt: skip
    gpus = [
        _bar(_gpu_name(g), _count, limit.gpus.get(g, 0), reserved.gpus.get(g, 0))
        for g in sorted({*limit.gpus, *reserved.gpus})
    ]
    return (*shown, *gpus)


def amounts(quota: Quota) -> tuple[Amount, ...]:
    """A quota as numbers alone."""
    shown = [Amount(label, write(getattr(quota, name))) for name, label, write in _RESOURCES]
    return (*shown, *(Amount(_gpu_name(g), _count(n)) for g, n in sorted(quota.gpus.items())))


def _less(whole: Quota, part: Quota) -> Quota:
    return Quota(
        cpu=max(whole.cpu - part.cpu, 0), memory=max(whole.memory - part.memory, 0),
        storage=max(whole.storage - part.storage, 0), pods=max(whole.pods - part.pods, 0),
        gpus={g: max(n - part.gpus.get(g, 0), 0) for g, n in whole.gpus.items()},
    )  # fmt: skip


def _bar(name: str, write: Callable[[int], str], limit: int, reserved: int) -> Bar:
    return Bar(
        name=name,
        text=f"{text.of(write(reserved), write(limit))} reserved",
        short=text.of(write(reserved), write(limit)),
        free=f"{write(limit - reserved)} free" if reserved <= limit else f"{write(reserved - limit)} too much",
        reserved=text.share(reserved, limit),
    )
