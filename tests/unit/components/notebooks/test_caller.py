"""Whose word about a caller is believed."""

from __future__ import annotations

import pytest

from components.notebooks.hub.caller import Caller, caller_of, from_gateway

SECRET = "hop-secret"
GOOD = [("X-Mlp-Gateway-Secret", SECRET), ("X-Remote-User", "user:alice"), ("X-Remote-Groups", "tenant:a:member|b")]


class Headers:
    def __init__(self, *pairs: tuple[str, str]) -> None:
        self._pairs = pairs

    def get_list(self, name: str) -> list[str]:
        return [value for key, value in self._pairs if key.lower() == name.lower()]


def test_the_gateway_names_a_person() -> None:
    assert caller_of(Headers(*GOOD), SECRET) == Caller("alice", "user:alice", ("tenant:a:member", "b"))
    assert caller_of(Headers(*GOOD[:2]), SECRET) == Caller("alice", "user:alice", ())


@pytest.mark.parametrize(
    "headers",
    [
        GOOD[1:],
        [("X-Mlp-Gateway-Secret", "wrong"), *GOOD[1:]],
        [("X-Mlp-Gateway-Secret", ""), *GOOD[1:]],
        [("X-Mlp-Gateway-Secret", SECRET + "ü"), *GOOD[1:]],
        [*GOOD, ("X-Mlp-Gateway-Secret", "wrong")],
        [*GOOD, ("x-remote-user", "user:bob")],
        [*GOOD, ("X-Remote-Groups", "tenant:b:admin")],
        [GOOD[0], ("X-Remote-User", "system:serviceaccount:ws-a--b:workload")],
        [GOOD[0]],
    ],
)
def test_nobody_else_does(headers: list[tuple[str, str]]) -> None:
    assert caller_of(Headers(*headers), SECRET) is None


def test_the_secret_stands_there_once() -> None:
    assert from_gateway(Headers(GOOD[0]), SECRET)
    assert not from_gateway(Headers(GOOD[0], GOOD[0]), SECRET)
