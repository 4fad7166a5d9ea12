"""Room by file system, at the fullest moment."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.preflight import disk
from infra.preflight.disk import FileSystem, Need
from infra.preflight.model import GIB
from infra.toolchain.versions import KUBERNETES_VERSION, PULUMI_VERSION

CACHE, MODULES, HOSTS, HOME = Path("/cache"), Path("/modules"), Path("/hosts"), Path("/home")


def on_one(free: float) -> dict[Path, FileSystem]:
    return dict.fromkeys((CACHE, MODULES, HOSTS, HOME), FileSystem(1, "/", int(free * GIB)))


def cold(nodes: int = 1) -> tuple[Need, ...]:
    return disk.needs(CACHE, MODULES, HOSTS, HOME, nodes=nodes, building=True, installed=False)


def test_folders_of_one_file_system_are_summed_at_their_fullest() -> None:
    wanted = (Need(CACHE, "tools", 8, 1), Need(CACHE, "images", 0, 3), Need(HOSTS, "hosts", 0, 3))

    (enough,) = disk.findings(wanted, on_one(9.0))
    (short,) = disk.findings(wanted, on_one(8.9))

    assert enough.ok
    assert enough.message == "9.0 GiB free on /, 9.0 GiB needed for tools, images, hosts"
    assert not short.ok
    assert short.message == "8.9 GiB free on /, but 9.0 GiB are needed for tools, images, hosts."
    assert "MLP_CACHE" in short.remedy


def test_each_file_system_has_its_own_answer() -> None:
    where = {**on_one(500), HOSTS: FileSystem(2, "/var", GIB)}

    root, var = disk.findings(cold(), where)

    assert (root.check, root.ok) == ("disk /", True)
    assert (var.check, var.ok) == ("disk /var", False)


def test_more_hosts_need_more_and_a_finished_installation_next_to_nothing() -> None:
    def peak(needs: tuple[Need, ...]) -> float:
        return max(sum(need.building for need in needs), sum(need.afterwards for need in needs))

    warm = disk.needs(CACHE, MODULES, HOSTS, HOME, nodes=1, building=False, installed=False)
    done = disk.needs(CACHE, MODULES, HOSTS, HOME, nodes=1, building=False, installed=True)

    assert peak(cold(3)) > peak(cold(1)) > peak(warm) > peak(done)
    assert peak(done) < 1
    assert {need.what for need in disk.needs(CACHE, None, None, HOME, nodes=1, building=True, installed=False)} == {
        "the installation",
        "tools",
        "images",
    }


def test_given_images_need_room_in_the_cache_and_on_each_host_until_they_are_taken() -> None:
    def given(hosts: Path | None, archives: float) -> dict[Path, float]:
        found = disk.needs(CACHE, None, hosts, HOME, nodes=2, building=False, installed=True, archives=archives)
        return {need.folder: need.afterwards for need in found if need.what == "images of archives"}

    assert given(HOSTS, 3.0) == {CACHE: 3.0, HOSTS: 12.0}
    assert given(None, 3.0) == {CACHE: 3.0}
    assert given(HOSTS, 0.0) == {}


def test_a_folder_that_is_not_there_yet_is_judged_by_its_parent(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "yet"

    found = disk.probe([folder])[folder]

    assert found.device == tmp_path.stat().st_dev
    assert found.free > 0
    assert tmp_path.is_relative_to(found.mount)
    assert not folder.exists()


@pytest.mark.parametrize("nodes", [1, 3])
def test_a_cold_start_fits_a_small_disk(nodes: int) -> None:
    (found,) = disk.findings(cold(nodes), on_one(20))
    assert found.ok


def test_what_a_killed_run_wrote_is_not_wanted_twice(tmp_path: Path) -> None:
    build, modules = tmp_path / "go-build", tmp_path / "modules"
    assert disk.begun(build, None) == disk.Begun(0.0, False)
    (build / "00").mkdir(parents=True)
    (build / "00" / "object").write_bytes(b"x" * 100_000)
    for folder in (f"k8s.io/kubernetes@v{KUBERNETES_VERSION}", f"github.com/pulumi/pulumi/pkg/v3@v{PULUMI_VERSION}"):
        (modules / folder).mkdir(parents=True)

    begun = disk.begun(build, modules)

    assert begun.fetched
    assert 0 < begun.build_cache < 0.001
    resumed = disk.needs(
        CACHE, MODULES, HOSTS, HOME, nodes=1, building=True, installed=False, begun=disk.Begun(7.0, True)
    )
    assert disk.findings(cold(), on_one(10))[0].ok is False
    assert disk.findings(resumed, on_one(10))[0].ok is True
