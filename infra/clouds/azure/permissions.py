"""Which actions permissions allow. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Permission:
    """One entry of what Azure says that somebody may do. `*` stands for anything; case does not count."""

    actions: tuple[str, ...]
    not_actions: tuple[str, ...] = ()


def missing(wanted: Iterable[str], permissions: Sequence[Permission]) -> tuple[str, ...]:
    """The wanted actions that none of the permissions allows, sorted. What one takes away another may give."""
    return tuple(sorted(action for action in wanted if not any(_allows(each, action) for each in permissions)))


def _allows(permission: Permission, action: str) -> bool:
    return _any(permission.actions, action) and not _any(permission.not_actions, action)


def _any(patterns: Iterable[str], action: str) -> bool:
    return any(
        re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), action, flags=re.IGNORECASE) for pattern in patterns
    )
