from __future__ import annotations

import io
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.supply.tree import EPOCH, Entry, difference, parents, remove_where, scan, whiteout, write_layer
from tests.unit.supply.fakes import Tree, apply, make_tree, members, read_tree


def layer(entries: object, hard_links: bool = False) -> bytes:
    stream = io.BytesIO()
    write_layer(entries, stream, hard_links)  # type: ignore[arg-type]
    return stream.getvalue()


SAMPLE: dict[str, str | None] = {"b/deep/er": "2", "a": "1", "b/link": "-> ../a", "empty": None, "b-c": "3"}


def test_equal_trees_give_equal_layers_wherever_and_whenever_they_were_made(tmp_path: Path) -> None:
    one = make_tree(tmp_path / "one", SAMPLE)
    other = make_tree(tmp_path / "elsewhere/other", dict(reversed(SAMPLE.items())))
    os.utime(other / "a", (1, 1))
    assert layer(scan(one)) == layer(scan(other))


def test_members_are_sorted_with_folders_before_what_is_in_them(tmp_path: Path) -> None:
    names = list(members(layer(scan(make_tree(tmp_path, SAMPLE)))))
    assert names == ["a", "b", "b/deep", "b/deep/er", "b/link", "b-c", "empty"]


def test_members_name_no_user_no_time_and_no_rights_of_the_machine(tmp_path: Path) -> None:
    make_tree(tmp_path, {"script": "x", "private": "y"})
    (tmp_path / "script").chmod(0o4711)
    (tmp_path / "private").chmod(0o600)
    found = members(layer(scan(tmp_path)))
    assert {(m.uid, m.gid, m.uname, m.gname, m.mtime) for m in found.values()} == {(0, 0, "", "", EPOCH)}
    assert (found["script"].mode, found["private"].mode) == (0o755, 0o644)


def test_owners_and_modes_are_kept_on_request_but_no_file_may_give_rights(tmp_path: Path) -> None:
    make_tree(tmp_path, {"su": "x", "shared/file": "y"})
    (tmp_path / "su").chmod(0o6755)
    (tmp_path / "shared").chmod(0o3775)
    found = members(layer(scan(tmp_path, keep_owner=True)))
    assert found["su"].mode == 0o755
    assert found["shared"].mode == 0o3775
    assert found["su"].uid == os.getuid()


def test_sockets_and_pipes_are_left_out(tmp_path: Path) -> None:
    make_tree(tmp_path, {"file": "x"})
    os.mkfifo(tmp_path / "pipe")
    assert list(members(layer(scan(tmp_path)))) == ["file"]


def test_files_of_one_inode_become_hard_links(tmp_path: Path) -> None:
    make_tree(tmp_path, {"z": "content"})
    os.link(tmp_path / "z", tmp_path / "a")
    found = members(layer(scan(tmp_path), hard_links=True))
    assert found["a"].isreg()
    assert (found["z"].islnk(), found["z"].linkname) == (True, "a")
    assert members(layer(scan(tmp_path)))["z"].isreg()


def test_long_and_foreign_names_survive(tmp_path: Path) -> None:
    name = "d" * 120 + "/" + "ü" * 60
    make_tree(tmp_path / "tree", {name: "x"})
    data = layer(scan(tmp_path / "tree"))
    (tmp_path / "out").mkdir()
    apply(data, tmp_path / "out")
    assert read_tree(tmp_path / "out")[name] == "x"


def test_a_prefix_moves_the_tree_and_parents_name_the_way(tmp_path: Path) -> None:
    entries = list(scan(make_tree(tmp_path, {"x/y": "1"}), prefix="opt/python/"))
    assert list(members(layer([*parents(entries), *entries]))) == [
        "opt",
        "opt/python",
        "opt/python/x",
        "opt/python/x/y",
    ]


DIFFERENCES: dict[str, tuple[Tree, Tree, list[str]]] = {
    "nothing changed": ({"a": "1", "b/c": "2"}, {"a": "1", "b/c": "2"}, []),
    "a file is new": ({"a": "1"}, {"a": "1", "b/c": "2"}, ["b", "b/c"]),
    "content changed": ({"a/b": "1"}, {"a/b": "2"}, ["a", "a/b"]),
    "a file went": ({"a/b": "1", "a/c": "2"}, {"a/c": "2"}, ["a", "a/.wh.b"]),
    "a folder went": ({"a/b/c": "1", "d": "2"}, {"d": "2"}, [".wh.a"]),
    "a folder became a file": ({"a/b": "1"}, {"a": "2"}, ["a"]),
    "a file became a folder": ({"a": "2"}, {"a/b": "1"}, ["a", "a/b"]),
    "a link points elsewhere": ({"a": "-> b"}, {"a": "-> c"}, ["a"]),
    "a link became a file": ({"a": "-> b"}, {"a": "b"}, ["a"]),
}


@pytest.mark.parametrize("case", DIFFERENCES)
def test_a_difference_names_what_changed_and_nothing_else(case: str, tmp_path: Path) -> None:
    before, after, expected = DIFFERENCES[case]
    changed = difference(scan(make_tree(tmp_path / "before", before)), scan(make_tree(tmp_path / "after", after)))
    assert list(members(layer(changed))) == expected


def test_a_changed_mode_is_a_difference_and_a_changed_time_is_none(tmp_path: Path) -> None:
    before, after = (make_tree(tmp_path / name, {"a": "1", "b": "2"}) for name in ("before", "after"))
    (after / "a").chmod(0o755)
    os.utime(after / "b", (1, 1))
    assert list(members(layer(difference(scan(before), scan(after))))) == ["a"]


NAMES = st.sampled_from(["a", "b", "c", "a-b"])
TREES = st.dictionaries(
    st.lists(NAMES, min_size=1, max_size=3).map("/".join),
    st.sampled_from(["1", "2", "-> a", "-> b/c", None]),
    max_size=7,
)


def consistent(tree: Tree) -> dict[str, str | None]:
    """Without entries below something that is no folder."""
    return {
        name: content
        for name, content in tree.items()
        if all(tree.get("/".join(name.split("/")[:end])) is None for end in range(1, name.count("/") + 1))
    }


@settings(max_examples=60, deadline=None)
@given(TREES.map(consistent), TREES.map(consistent))
def test_a_difference_on_its_base_gives_the_changed_tree(before: Tree, after: Tree) -> None:
    with tempfile.TemporaryDirectory() as folder:
        base = make_tree(Path(folder, "base"), before)
        changed = make_tree(Path(folder, "changed"), after)
        apply(layer(difference(scan(base), scan(changed))), base)
        assert read_tree(base) == read_tree(changed)


def test_a_whiteout_stands_beside_what_it_removes() -> None:
    assert whiteout("etc/ssl/key") == Entry("etc/ssl/.wh.key")


def test_removing_follows_no_links(tmp_path: Path) -> None:
    make_tree(tmp_path, {"kept/tests/a": "1", "tree/tests/b": "2", "tree/c": "3"})
    (tmp_path / "tree/out").symlink_to(tmp_path / "kept")
    remove_where(tmp_path / "tree", lambda path: path.name == "tests")
    assert set(read_tree(tmp_path)) == {"kept", "kept/tests", "kept/tests/a", "tree", "tree/c", "tree/out"}
