"""What earlier runs left: cleaned, refused, or running."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from infra.hosts.leftovers import Folder
from infra.preflight import leftovers
from infra.preflight.leftovers import Remains

ROOT = Path("/var/lib/mlp/local/h1")
HOST = Remains("h1", ROOT, False, Folder.ABSENT, frozenset(), (), ())
GROUP = Path("/sys/fs/cgroup/memory/mlp-local-h1")


@pytest.mark.parametrize(
    ("remains", "message"),
    [
        ([], "no hosts run"),
        ([replace(HOST, running=True, folder=Folder.OURS)], "1 of 2 hosts run"),
        (
            [replace(HOST, folder=Folder.OURS, members=frozenset({7, 8}), groups=(GROUP,))],
            "no hosts run; h1 stopped and left 2 processes, which `up` cleans and starts again",
        ),
        (
            [replace(HOST, running=True, folder=Folder.OURS), replace(HOST, host="h2", folder=Folder.OURS)],
            "1 of 2 hosts run; h2 stopped, which `up` cleans and starts again",
        ),
        ([replace(HOST, groups=(GROUP,))], "no hosts run; h1 stopped, which `up` cleans and starts again"),
    ],
)
def test_what_is_ours_does_not_hinder(remains: list[Remains], message: str) -> None:
    (found,) = leftovers.findings(remains, 2)

    assert found.ok
    assert found.message == message


@pytest.mark.parametrize(
    ("remains", "message"),
    [
        (replace(HOST, folder=Folder.FOREIGN), "holds files, but not the description of a host"),
        (
            replace(HOST, members=frozenset({9, 7}), groups=(GROUP,)),
            f"2 processes run in control group {GROUP}, such as 7, but {ROOT} holds no host.",
        ),
        (replace(HOST, folder=Folder.OURS, mounts=(f"{ROOT}/disk",)), f"{ROOT}/disk is a mount of this machine"),
    ],
)
def test_what_is_not_ours_stops_it(remains: Remains, message: str) -> None:
    (found,) = leftovers.findings([remains], 1)

    assert not found.ok
    assert found.severity == "error"
    assert message in found.message
    assert found.remedy


def test_folders_of_the_installation_are_looked_at(tmp_path: Path) -> None:
    installation = "no-such-installation"
    (tmp_path / installation / "h1").mkdir(parents=True)
    (tmp_path / installation / "h1" / "somebody.txt").write_text("")
    (tmp_path / installation / "h2").mkdir()
    (tmp_path / installation / "h2" / "host.json").write_text(json.dumps({"not": "a host"}))
    (tmp_path / installation / "h3").mkdir()

    found = leftovers.probe(installation, tmp_path)

    assert [(one.host, one.folder, one.running) for one in found] == [
        ("h1", Folder.FOREIGN, False),
        ("h2", Folder.FOREIGN, False),
        ("h3", Folder.ABSENT, False),
    ]
    assert leftovers.probe("another", tmp_path) == []
