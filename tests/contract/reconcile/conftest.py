"""An installation for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from controlplane.reconcile.service import Reconciler
from tests.contract.reconcile.world import FACTS, RememberedStorage, World
from tests.servers.kubernetes import KubernetesServer


@pytest.fixture(scope="package")
def world(kubernetes_server: KubernetesServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(kubernetes_server, tmp_path_factory.mktemp("world"))
    yield made
    made.close()


@pytest.fixture
def storage() -> RememberedStorage:
    return RememberedStorage()


@pytest.fixture
def reconciler(world: World, storage: RememberedStorage) -> Iterator[Reconciler]:
    """As the control plane's own service account, with nothing but its rules."""
    made = Reconciler(world.control_plane, storage, FACTS)
    yield made
    made.close()
