"""What may be removed of a dead host, and what is refused because it is not ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.hosts.errors import NotOurs
from infra.hosts.layout import Layout
from infra.hosts.leftovers import Folder, Found, Plan, decide, mounts_below, whose
from infra.hosts.model import HostSpec, dump

_GROUPS = (Path("/sys/fs/cgroup/memory/mlp-trial-node2"),)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout("trial", "node2", tmp_path)


def test_nothing_there_is_nothing_to_do(layout: Layout) -> None:
    assert decide(Found(Folder.ABSENT, frozenset(), ()), layout) == Plan(frozenset(), remove_groups=False)


def test_strays_of_our_own_host_are_ended(layout: Layout) -> None:
    found = Found(Folder.OURS, frozenset({41, 42}), _GROUPS)
    assert decide(found, layout) == Plan(frozenset({41, 42}), remove_groups=True)


def test_empty_groups_go_even_without_a_folder(layout: Layout) -> None:
    assert decide(Found(Folder.ABSENT, frozenset(), _GROUPS), layout).remove_groups


def test_processes_in_our_group_without_our_folder_are_not_ours(layout: Layout) -> None:
    with pytest.raises(NotOurs, match=r"mlp-trial-node2.*holds no host"):
        decide(Found(Folder.ABSENT, frozenset({999999999}), _GROUPS), layout)


def test_a_folder_with_other_files_is_not_ours(layout: Layout) -> None:
    with pytest.raises(NotOurs, match="Move them away"):
        decide(Found(Folder.FOREIGN, frozenset(), ()), layout)


def test_folders_are_told_apart_by_the_description_in_them(layout: Layout, spec: HostSpec) -> None:
    assert whose(layout) == Folder.ABSENT
    layout.root.mkdir(parents=True)
    assert whose(layout) == Folder.ABSENT
    (layout.root / "photos").touch()
    assert whose(layout) == Folder.FOREIGN
    layout.spec.write_text("{}")
    assert whose(layout) == Folder.FOREIGN
    layout.spec.write_text(dump(spec))
    assert whose(layout) == Folder.OURS
    elsewhere = layout.sibling("node3")
    elsewhere.root.mkdir()
    elsewhere.spec.write_text(dump(spec))
    assert whose(elsewhere) == Folder.FOREIGN


def test_mounts_of_the_machine_below_a_folder_are_found() -> None:
    lines = "1 0 8:1 / / rw - ext4 /dev/sda rw\n2 1 8:2 / /var/lib/mlp/a rw - ext4 /dev/sdb rw\n"
    assert mounts_below(lines, Path("/var/lib/mlp/a")) == ("/var/lib/mlp/a",)
    assert mounts_below(lines, Path("/var/lib/mlp")) == ("/var/lib/mlp/a",)
    assert mounts_below(lines, Path("/var/lib/mlp/ab")) == ()
