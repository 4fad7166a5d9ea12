"""What unit tests share."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def event_loops() -> Iterator[list[asyncio.AbstractEventLoop]]:
    """Loops that tests were given; closed together, when nobody can hold them any more."""
    made: list[asyncio.AbstractEventLoop] = []
    yield made
    with warnings.catch_warnings():
        # Pulumi's mocks give every thread of the loop's pool a loop of its own and close none of them.
        warnings.simplefilter("ignore", ResourceWarning)
        for loop in made:
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()
        gc.collect()


@pytest.fixture(autouse=True)
def current_event_loop(event_loops: list[asyncio.AbstractEventLoop]) -> None:
    """Every test finds a current loop: Pulumi's mocks need one, and `asyncio.run` in a test before leaves none."""
    policy = asyncio.get_event_loop_policy()
    try:
        loop = policy.get_event_loop()
    except RuntimeError:
        loop = policy.new_event_loop()
        policy.set_event_loop(loop)
    if loop not in event_loops:
        event_loops.append(loop)
