"""The token of people's calls: kept for half of its life, and longer only where no new one is to be had."""

from __future__ import annotations

import pytest

from controlplane.errors import ControlPlaneError, Temporary
from controlplane.gate.ports import Minted
from controlplane.gate.tokens import PeopleTokens


class Minter:
    def __init__(self) -> None:
        self.made = 0
        self.away = False

    def mint(self) -> Minted:
        if self.away:
            raise ControlPlaneError("the API server does not answer")
        self.made += 1
        return Minted(f"token-{self.made}", 600)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def minter() -> Minter:
    return Minter()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_one_token_serves_for_half_of_its_life(minter: Minter, clock: Clock) -> None:
    tokens = PeopleTokens(minter, clock=clock)
    for clock.now in (0.0, 100.0, 299.0):
        assert tokens.token() == "token-1"
    clock.now = 301.0
    assert tokens.token() == "token-2"
    assert minter.made == 2


def test_the_last_one_serves_on_while_no_new_one_is_to_be_had(minter: Minter, clock: Clock) -> None:
    tokens = PeopleTokens(minter, clock=clock)
    tokens.token()
    minter.away = True
    for clock.now in (301.0, 569.0):
        assert tokens.token() == "token-1"
    clock.now = 571.0
    with pytest.raises(Temporary):
        tokens.token()
    minter.away = False
    assert tokens.token() == "token-2"


def test_without_a_first_one_there_is_none(minter: Minter, clock: Clock) -> None:
    minter.away = True
    with pytest.raises(Temporary):
        PeopleTokens(minter, clock=clock).token()


def test_a_token_is_not_printed() -> None:
    assert "secret" not in repr(Minted("secret", 600))
