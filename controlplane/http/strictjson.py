"""JSON as it was meant: no duplicate keys, no NaN or Infinity, bounded depth, no text that a database refuses."""

from __future__ import annotations

import json
import math
from typing import Any

from controlplane.errors import Malformed

MAX_DEPTH = 20


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise Malformed(f"The key {twice[0]!r} occurs twice in one object; each may occur once.")
    return found


def _constant(name: str) -> Any:
    raise Malformed(f"{name} is no JSON value; use a finite number or null.")


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise Malformed(f"The number {text[:20]} is too large.")
    return number


def _int(text: str) -> int:
    if len(text) > 20:
        raise Malformed(f"The number {text[:20]}… has too many digits.")
    return int(text)


def plain_text(text: str) -> bool:
    """Whether the text can be stored: no NUL, no lone surrogate."""
    return "\x00" not in text and not any("\ud800" <= c <= "\udfff" for c in text)


def parse(raw: bytes) -> Any:
    """The document. Raises Malformed with what is wrong."""
    try:
        document = json.loads(
            raw.decode("utf-8"), object_pairs_hook=_pairs, parse_constant=_constant, parse_float=_float, parse_int=_int
        )
    except UnicodeDecodeError as error:
        raise Malformed(f"The body is not UTF-8 (byte {error.start}).") from error
    except json.JSONDecodeError as error:
        raise Malformed(f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.") from error
    except RecursionError as error:
        raise Malformed(f"The JSON is nested deeper than {MAX_DEPTH} levels.") from error
    _check(document)
    return document


def _check(document: Any) -> None:
    level = [document]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for item in level:
            if isinstance(item, str):
                if not plain_text(item):
                    raise Malformed("The body holds text with a NUL or half a surrogate pair; send plain Unicode.")
            elif isinstance(item, dict):
                below.extend(item.keys())
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
        if not below:
            return
        level = below
    raise Malformed(f"The JSON is nested deeper than {MAX_DEPTH} levels.")
