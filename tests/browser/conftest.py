"""One installation for the run, a worker where asked for, and browsers whose complaints fail the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from components.control_plane.people import people_objects
from tests.browser.installation import Installation, installation
from tests.browser.looks import axe_script
from tests.browser.visitor import PATIENCE, Visitor
from tests.contract.reconcile.world import World
from tests.servers.kubernetes import kubernetes

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test here drives a browser; without one it is skipped by name."""
    for item in items:
        if "tests/browser" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))
            if not CHROMIUM.exists():
                item.add_marker(pytest.mark.skip(reason=f"{CHROMIUM} is missing: apt-get install chromium"))


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("installation")
    with kubernetes(folder / "kubernetes") as server:
        world = World(server, folder)
        try:
            for obj in people_objects():  # in whose names pipelines are started
                world.admin.apply(obj)
            with installation(folder, world) as made:
                yield made
        finally:
            world.close()


expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def axe() -> str:
    return axe_script()


@pytest.fixture
def visitor(site: Installation, browser: Browser) -> Iterator[Visitor]:
    """Somebody at a browser; the test fails when the browser complained about a page."""
    opened = Visitor(site, browser)
    yield opened
    opened.close()
    assert not opened.complaints, "\n".join(opened.complaints)


@pytest.fixture
def another(site: Installation, browser: Browser) -> Iterator[Visitor]:
    """A second person at a browser of their own."""
    opened = Visitor(site, browser)
    yield opened
    opened.close()
    assert not opened.complaints, "\n".join(opened.complaints)


@pytest.fixture(scope="module")
def worker(site: Installation) -> Iterator[None]:
    with site.worker():
        yield
