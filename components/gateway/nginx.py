"""Writes nginx's configuration language from data, so that no value can end a directive or open a block. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_BARE = re.compile(r"[A-Za-z0-9_$./:=~^@*%+?,&|!<>()\[\]-]+")
_INDENT = "    "


class ConfigurationError(ValueError):
    """A value that nginx's language cannot carry."""


@dataclass(frozen=True)
class Directive:
    """`name arguments;`, or with `block` a list of directives in braces."""

    name: str
    arguments: tuple[str, ...] = ()
    block: tuple[Directive, ...] | None = None


def d(name: str, *arguments: str | int) -> Directive:
    """A simple directive."""
    return Directive(name, tuple(str(argument) for argument in arguments))


def block(name: str, *arguments: str, body: Sequence[Directive]) -> Directive:
    """A directive with a block."""
    return Directive(name, arguments, tuple(body))


def quote(value: str) -> str:
    """A value as one word. Raises ConfigurationError for line ends and NUL."""
    if any(character in value for character in "\r\n\0"):
        raise ConfigurationError(f"a value of the gateway's configuration holds a line end: {value!r}")
    if _BARE.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def render(directives: Sequence[Directive], depth: int = 0) -> str:
    """The text, one directive a line."""
    lines = []
    for directive in directives:
        words = " ".join(quote(word) for word in (directive.name, *directive.arguments))
        if directive.block is None:
            lines.append(f"{_INDENT * depth}{words};\n")
        else:
            lines.append(f"{_INDENT * depth}{words} {{\n{render(directive.block, depth + 1)}{_INDENT * depth}}}\n")
    return "".join(lines)
