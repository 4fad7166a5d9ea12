"""Servers that a test run starts once and its workers share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.kubernetes import KubernetesServer, kubernetes


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this run see."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def kubernetes_server(shared_folder: Path) -> Iterator[KubernetesServer]:
    """A real API server with controllers and without nodes; tests keep apart by namespace."""
    with kubernetes(shared_folder / "kubernetes") as server:
        yield server
