"""What building in a root leaves on the machine (nothing), and byte code that depends on its source alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from infra.supply.bytecode import compile_tree
from infra.supply.process import CLEAN, run_isolated

pytestmark = [pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason="needs root for namespaces")]

HERE = Path("/")
"""Stands for an image's root: this machine's own Python compiles."""

SOURCES = {
    "a.py": "VALUES = {'x', 'y', 'z'}\ndef f(a, b=None):\n    'doc'\n    return [a, b, 'x']\n",
    "pkg/__init__.py": "from a import VALUES\n",
    "pkg/deep/mod.py": "class A:\n    name = 'x'\n",
    "pkg/broken.py": "def {{ name }}():\n",
}


def make(root: Path) -> Path:
    for name, content in SOURCES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root


def compiled(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*.pyc")}


def test_byte_code_is_the_same_wherever_and_whenever_it_is_made(tmp_path: Path) -> None:
    one, other = make(tmp_path / "one"), make(tmp_path / "other/place")
    os.utime(other / "a.py", (1, 1))
    for root in (one, other):
        compile_tree(HERE, root, "/opt/python", "the test")
    assert compiled(one) == compiled(other)
    assert len(compiled(one)) == 3
    code = next(data for name, data in compiled(one).items() if "/mod." in name)
    assert code[4:8] == b"\x01\x00\x00\x00", "hash-based and never checked"
    assert b"/opt/python/pkg/deep/mod.py" in code
    assert str(tmp_path).encode() not in code


def test_byte_code_that_was_there_is_replaced(tmp_path: Path) -> None:
    root = make(tmp_path)
    (root / "__pycache__").mkdir()
    (root / "__pycache__/gone.cpython-313.pyc").write_bytes(b"old")
    compile_tree(HERE, root, "/opt/python", "the test")
    assert not (root / "__pycache__/gone.cpython-313.pyc").exists()


def test_what_a_package_starts_ends_with_the_build(tmp_path: Path) -> None:
    mark = tmp_path / "daemon"
    script = f"(sleep 0.4; touch {mark}; sleep 300) & setsid sleep 300 & echo started"
    assert run_isolated(["sh", "-c", script], "the test", CLEAN) == "started\n"
    left = [path for path in Path("/proc").glob("[0-9]*/cmdline") if str(mark).encode() in _read(path)]
    assert left == []
    assert not mark.exists()


def test_what_a_package_mounts_stays_inside(tmp_path: Path) -> None:
    (tmp_path / "mnt").mkdir()
    run_isolated(["mount", "-t", "tmpfs", "none", str(tmp_path / "mnt")], "the test", CLEAN)
    assert str(tmp_path) not in Path("/proc/self/mounts").read_text()


def test_packages_are_set_up_without_a_network() -> None:
    said = run_isolated(["sh", "-c", "tail -n +3 /proc/net/dev"], "the test", CLEAN, network=False)
    assert [line.split(":")[0].strip() for line in said.splitlines()] == ["lo"]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
