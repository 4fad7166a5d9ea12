"""The order PATH → cache, and why something on PATH is passed over."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.toolchain import debian
from infra.toolchain.cache import Cache, Receipt
from infra.toolchain.processes import Children
from infra.toolchain.resolve import Resolver
from infra.toolchain.versions import BY_NAME, DebianTool, GoTool, VenvTool
from tests.unit.toolchain import fakes

SOCAT = BY_NAME["socat"]


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def bin_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


def resolver(cache: Cache, bin_folder: Path, tmp_path: Path) -> Resolver:
    modules = tmp_path / "modules"
    if not modules.exists():
        fakes.modules(modules)
    return Resolver(cache, str(bin_folder), Children(), modules)


def put(cache: Cache, name: str, version: str, key: str) -> None:
    with cache.locked(), cache.staging() as folder:
        made = folder / "made"
        made.mkdir()
        (made / name).write_text("binary")
        cache.publish(made, Receipt(name, version, key, name, 6, 1.0, {"LD_LIBRARY_PATH": ("root/lib", "root/lib2")}))


def socat_key() -> str:
    assert isinstance(SOCAT, DebianTool)
    return debian.key(SOCAT, debian.machine_release())


def test_path_comes_before_the_cache(cache: Cache, bin_folder: Path, tmp_path: Path) -> None:
    put(cache, "socat", "1.7.9", socat_key())
    path = fakes.program(bin_folder, "socat", "echo socat version 1.8.0.1 on today")

    found = resolver(cache, bin_folder, tmp_path).find(SOCAT)

    assert found.tool is not None
    assert (found.tool.version, found.tool.path, found.tool.origin) == ("1.8.0.1", path, "path")
    assert found.tool.env == {}


def test_the_cache_serves_where_path_has_another_version(cache: Cache, bin_folder: Path, tmp_path: Path) -> None:
    put(cache, "socat", "1.7.9", socat_key())
    path = fakes.program(bin_folder, "socat", "echo socat version 1.5.0 on today")

    found = resolver(cache, bin_folder, tmp_path).find(SOCAT)

    assert found.tool is not None
    assert (found.tool.version, found.tool.origin) == ("1.7.9", "cache")
    folder = cache.folder("socat", "1.7.9")
    assert found.tool.env == {"LD_LIBRARY_PATH": f"{folder}/root/lib:{folder}/root/lib2"}
    assert found.passed_over == f"{path} is 1.5.0"


def test_nothing_anywhere(cache: Cache, bin_folder: Path, tmp_path: Path) -> None:
    found = resolver(cache, bin_folder, tmp_path).find(SOCAT)

    assert found.tool is None
    assert found.passed_over == ""
    assert not cache.root.exists()


def test_a_program_is_asked_once(cache: Cache, bin_folder: Path, tmp_path: Path) -> None:
    fakes.program(bin_folder, "socat", "echo socat version 1.8.0 on today")

    for _ in range(3):
        assert resolver(cache, bin_folder, tmp_path).find(SOCAT).tool is not None

    assert fakes.calls(bin_folder, "socat") == ["-V"]


@pytest.mark.parametrize("body", ["echo nothing to see", "echo socat version 1.8.0; exit 1"])
def test_a_program_that_does_not_say_its_version(cache: Cache, bin_folder: Path, tmp_path: Path, body: str) -> None:
    path = fakes.program(bin_folder, "socat", body)

    found = resolver(cache, bin_folder, tmp_path).find(SOCAT)

    assert found.tool is None
    assert found.passed_over == f"{path} does not say its version"


def test_relative_folders_of_path_are_not_searched(
    cache: Cache, bin_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fakes.program(bin_folder, "socat", "echo socat version 1.8.0")
    monkeypatch.chdir(tmp_path)

    assert Resolver(cache, "bin::.", Children()).find(SOCAT).tool is None
    assert fakes.calls(bin_folder, "socat") == []


@pytest.mark.parametrize(
    ("version", "dynamic", "reason"),
    [
        ("1.2.3", False, ""),
        ("1.2.3", True, "is 1.2.3, but not linked statically, so no image could hold it"),
        ("1.2.4", False, "is 1.2.4"),
    ],
)
def test_a_go_tool_must_be_the_very_version_and_static(
    cache: Cache, bin_folder: Path, tmp_path: Path, version: str, dynamic: bool, reason: str
) -> None:
    path = bin_folder / "demo"
    path.write_bytes(fakes.elf(dynamic))
    path.chmod(0o755)
    cache.remember("demo", path, version)

    found = resolver(cache, bin_folder, tmp_path).find(fakes.demo())

    assert (found.tool is None) is bool(reason)
    assert found.passed_over == (f"{path} {reason}" if reason else "")


def test_a_script_is_no_go_tool(cache: Cache, bin_folder: Path, tmp_path: Path) -> None:
    fakes.program(bin_folder, "demo", "echo v1.2.3")

    assert resolver(cache, bin_folder, tmp_path).find(fakes.demo()).tool is None


def test_what_says_no_version_or_has_a_common_name_is_not_taken_from_path(
    cache: Cache, bin_folder: Path, tmp_path: Path
) -> None:
    for name in ("pause", "bridge", "kserve-manager"):
        fakes.program(bin_folder, name, "echo 1.1.0")

    for name in ("pause", "containernetworking-plugins", "kserve-manager"):
        found = Resolver(cache, str(bin_folder), Children()).find(BY_NAME[name])
        assert found.tool is None
    for name in ("pause", "bridge", "kserve-manager"):
        assert fakes.calls(bin_folder, name) == []


def test_changed_inputs_make_a_cached_tool_missing(cache: Cache, bin_folder: Path, tmp_path: Path) -> None:
    spec = fakes.demo()
    look = resolver(cache, bin_folder, tmp_path)
    put(cache, "demo", spec.version, look.key(spec))
    assert look.find(spec).tool is not None

    (tmp_path / "modules" / fakes.MODULE / "go.sum").write_text("other")
    assert look.find(spec).tool is None

    (tmp_path / "modules" / fakes.MODULE / "go.sum").write_text("")
    assert look.find(spec).tool is not None
    other_flags = GoTool(
        name="demo", version="1.2.3", module=fakes.MODULE, package="demo/demo", licence="ours", seconds=1
    )
    assert look.find(other_flags).tool is None


def test_uv_comes_from_our_own_environment(cache: Cache, bin_folder: Path, tmp_path: Path) -> None:
    look = resolver(cache, bin_folder, tmp_path)

    found = look.find(BY_NAME["uv"])
    assert found.tool is not None
    assert found.tool.path.is_file()

    absent = look.find(VenvTool(name="uv", distribution="no-such-wheel", licence="none"))
    assert absent.tool is None
    assert absent.passed_over.startswith("wheel no-such-wheel is not installed in ")
