"""Which tests run together, and the API server that the tests of a worker share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.kubernetes import KubernetesServer, kubernetes

_HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file's tests run in one worker, as its fixtures expect, unless they name a group of their own.

    First of all hooks: xdist reads the groups in one of its own."""
    for item in items:
        if _HERE in item.path.parents and not any(item.iter_markers("xdist_group")):
            item.add_marker(pytest.mark.xdist_group(str(item.path.relative_to(_HERE).with_suffix(""))))


@pytest.fixture(scope="session")
def kubernetes_server() -> Iterator[KubernetesServer]:
    """A real API server with controllers and without nodes. Each worker has its own: who makes kinds and policies, or
    looks at all namespaces, meets nothing of another worker. Tests keep apart by namespace."""
    with kubernetes() as server:
        yield server
