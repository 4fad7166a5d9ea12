from __future__ import annotations

from dataclasses import replace

import pytest

from components.images import DebianPackages, GoBinary, Image, PythonPackages, SourceTree, TextFile
from infra.supply import recipes
from infra.supply.errors import BadImage
from infra.supply.model import Blob
from infra.supply.recipes import Base, Recipe, SourceFile

BASE = Base(Blob("sha256:b1", 1), "3.13.5-2")
NEWER = Base(Blob("sha256:b2", 1), "3.13.5-2")
FILES = [SourceFile("a.py", "sha256:1", False), SourceFile("b.py", "sha256:2", True)]

CHANGES: dict[str, tuple[Recipe, Recipe]] = {
    "a package more": (
        recipes.debian(DebianPackages(("kmod",)), BASE),
        recipes.debian(DebianPackages(("kmod", "ipset")), BASE),
    ),
    "another base below packages": (
        recipes.debian(DebianPackages(("kmod",)), BASE),
        recipes.debian(DebianPackages(("kmod",)), NEWER),
    ),
    "a lock's content": (
        recipes.python(PythonPackages("lock"), "sha256:1", BASE, "amd64"),
        recipes.python(PythonPackages("lock"), "sha256:2", BASE, "amd64"),
    ),
    "what is left out": (
        recipes.python(PythonPackages("lock"), "sha256:1", BASE, "amd64"),
        recipes.python(PythonPackages("lock", ("a/include",)), "sha256:1", BASE, "amd64"),
    ),
    "another Python": (
        recipes.python(PythonPackages("lock"), "sha256:1", BASE, "amd64"),
        recipes.python(PythonPackages("lock"), "sha256:1", replace(BASE, python="3.13.6-1"), "amd64"),
    ),
    "another machine": (recipes.debian_base("amd64"), recipes.debian_base("arm64")),
    "a binary's content": (
        recipes.go(GoBinary("etcd"), "sha256:1"),
        recipes.go(GoBinary("etcd"), "sha256:2"),
    ),
    "a binary's place": (
        recipes.go(GoBinary("etcd"), "sha256:1"),
        recipes.go(GoBinary("etcd", "/etcd"), "sha256:1"),
    ),
    "a source file's content": (
        recipes.source(SourceTree(("a",)), FILES, BASE),
        recipes.source(SourceTree(("a",)), [FILES[0], replace(FILES[1], digest="sha256:3")], BASE),
    ),
    "a source file's rights": (
        recipes.source(SourceTree(("a",)), FILES, BASE),
        recipes.source(SourceTree(("a",)), [FILES[0], replace(FILES[1], executable=False)], BASE),
    ),
    "a text's mode": (
        recipes.text(TextFile("/etc/a", "x")),
        recipes.text(TextFile("/etc/a", "x", 0o600)),
    ),
    "another kind of layer": (recipes.skeleton(), Recipe("text", "", "{}")),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_change_of_inputs_changes_the_key(case: str) -> None:
    before, after = CHANGES[case]
    assert before.key != after.key


SAME: dict[str, tuple[Recipe, Recipe]] = {
    "the order of packages": (
        recipes.debian(DebianPackages(("kmod", "ipset", "kmod")), BASE),
        recipes.debian(DebianPackages(("ipset", "kmod")), BASE),
    ),
    "the lock's place": (
        recipes.python(PythonPackages("one/lock"), "sha256:1", BASE, "amd64"),
        recipes.python(PythonPackages("other/lock"), "sha256:1", BASE, "amd64"),
    ),
    "a newer base with the same Python": (
        recipes.python(PythonPackages("lock"), "sha256:1", BASE, "amd64"),
        recipes.python(PythonPackages("lock"), "sha256:1", NEWER, "amd64"),
    ),
    "the order of source files": (
        recipes.source(SourceTree(("a",)), FILES, BASE),
        recipes.source(SourceTree(("a",)), FILES[::-1], BASE),
    ),
    "a default written out": (
        recipes.go(GoBinary("etcd"), "sha256:1"),
        recipes.go(GoBinary("etcd", "/usr/local/bin/etcd"), "sha256:1"),
    ),
}


@pytest.mark.parametrize("case", SAME)
def test_what_does_not_decide_content_does_not_change_the_key(case: str) -> None:
    one, other = SAME[case]
    assert one.key == other.key


GOOD = Image("web", "1", (DebianPackages(("kmod",)), TextFile("/etc/a", "x")))

BAD: dict[str, tuple[Image, str]] = {
    "an unknown base": (replace(GOOD, base="alpine"), "'scratch' or 'debian'"),
    "Debian packages on nothing": (replace(GOOD, base="scratch"), "base='debian'"),
    "Python packages on nothing": (
        replace(GOOD, base="scratch", layers=(PythonPackages("lock"),)),
        "base='debian'",
    ),
    "two Debian layers": (
        replace(GOOD, layers=(DebianPackages(("a",)), DebianPackages(("b",)))),
        "one DebianPackages",
    ),
    "a user by name": (replace(GOOD, user="nobody"), "numeric"),
    "a group by name": (replace(GOOD, user="1:nobody"), "numeric"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_wrong_definition_is_refused_with_the_remedy(case: str) -> None:
    image, remedy = BAD[case]
    recipes.check(GOOD)
    with pytest.raises(BadImage, match=remedy):
        recipes.check(image)


@pytest.mark.parametrize("path", ["etc/relative", "/", "/etc/../../root"])
def test_files_are_placed_below_the_root_only(path: str) -> None:
    with pytest.raises(BadImage, match="absolute path"):
        recipes.text(TextFile(path, ""))
