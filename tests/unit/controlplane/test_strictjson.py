"""JSON as it was meant."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.errors import Malformed
from controlplane.http.strictjson import MAX_DEPTH, parse

_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=10,
)


@given(_VALUES)
def test_ordinary_documents_are_read(value: object) -> None:
    assert parse(json.dumps(value).encode()) == value


@given(st.binary(max_size=100))
def test_anything_else_is_malformed_and_nothing_worse(raw: bytes) -> None:
    with contextlib.suppress(Malformed):
        parse(raw)


@pytest.mark.parametrize(
    "text",
    ['{"a":1,"a":1}', '[{"x":{"a":1,"a":2}}]', "NaN", "-Infinity", "1e400", "1" * 21, '"\\u0000"', '"\\udfff"',
     '{"\\ud800":1}', "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), '{"a":' * 30 + "1" + "}" * 30, "1 2", ""],
)  # fmt: skip
def test_refused(text: str) -> None:
    with pytest.raises(Malformed):
        parse(text.encode())
