"""Paths that nobody can read in two ways, as regular expressions for Python and PCRE alike. Pure.

No escapes, no dot segments, no doubled slash: whatever reads such a path sees the same one.
"""

from __future__ import annotations

WORKSPACE = "ws-[a-z0-9-]{1,50}"
"""A workspace's namespace, as a part of a path."""

_SEGMENT = r"(?!\.{1,2}(?:/|\?|$))[A-Za-z0-9._~@:+,=-]+"
PLAIN_REST = rf"/(?:{_SEGMENT}/)*(?:{_SEGMENT})?"
"""What follows a prefix, from its slash on; the query left out."""
