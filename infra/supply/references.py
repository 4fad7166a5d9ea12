"""Names of images that somebody else made → the references under which they are delivered. Pure."""

from __future__ import annotations

import re

_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_PART}(?:/{_PART})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


def delivered(name: str, registry: str) -> str:
    """`host/path:tag` or `path:tag` → `<registry>path:tag`; a name below `registry` (ending in `/`) stays as it is.

    Raises ValueError with a half-sentence about the name: it has no tag, or is no image's name.
    """
    path = name.removeprefix(registry) if name.startswith(registry) else _without_host(name)
    repository, _, tag = path.rpartition(":")
    if "@" in name:
        raise ValueError("is named by its digest, not by a tag")
    if not repository or "/" in tag:
        raise ValueError("has no tag")
    if not _REPOSITORY.fullmatch(repository) or not _TAG.fullmatch(tag):
        raise ValueError("has a name that no image can have: small letters, digits, dots and dashes, then a tag")
    return f"{registry}{path}"


def repository(reference: str, registry: str) -> str:
    """The path of a reference below `registry`, without the tag."""
    return reference.removeprefix(registry).rpartition(":")[0]


def _without_host(name: str) -> str:
    host, separator, path = name.partition("/")
    return path if separator and (host == "localhost" or "." in host or ":" in host) else name
