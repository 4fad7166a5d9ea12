"""Images that a profile gives as archives: checked at preflight, planned offline, delivered beside those built here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from infra.installation.home import Home
from infra.lifecycle import supplies
from infra.lifecycle.offline import NOT_BUILT, Offline
from infra.lifecycle.preflight import archive_findings
from infra.profile.load import load
from infra.profile.model import Profile
from infra.supply.errors import BadArchive
from infra.supply.model import Blob, BuiltImage, ImageSet
from infra.supply.source import SourceSupply
from tests.unit.supply.layouts import Writer, docker_save

REFERENCE = "registry.mlp.internal/team/app:1"
MACHINES = {"amd64": "x86_64"}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("infra.supply.source.platform.machine", lambda: MACHINES["amd64"])


def profile(*archives: Path | str) -> Profile:
    return load("local", [f"supply.archives={[str(each) for each in archives]}"])


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> ImageSet:
    """What building gives, without building."""
    images = ImageSet({"web": BuiltImage("web", "registry.mlp.internal/web:1", Blob("1", 1), Blob("2", 1), ())})
    monkeypatch.setattr(SourceSupply, "build", lambda *_: images)
    return images


def build(chosen: Profile) -> tuple[ImageSet, list[str]]:
    told: list[str] = []
    return supplies.build_images(chosen, [], told.append), told


def test_given_images_are_delivered_beside_built_ones(built: ImageSet, tmp_path: Path) -> None:
    chosen = profile(docker_save(tmp_path / "app.tar"))
    images, told = build(chosen)
    assert images.references == {**built.references, "team/app:1": REFERENCE}
    assert told == [f"taking images out of {tmp_path}/app.tar (0 MiB)"]
    assert build(chosen) == (images, [])


def test_without_archives_nothing_is_asked(built: ImageSet) -> None:
    assert build(profile()) == (built, [])
    assert archive_findings(profile()) == ([], 0)


def test_paths_are_written_as_people_write_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TEAM", "blue")
    monkeypatch.chdir(tmp_path)
    chosen = profile("~/one.tar", "$TEAM/two.tar", "three.tar", f"{tmp_path}/one.tar")
    assert supplies.archives(chosen) == (tmp_path / "one.tar", Path("blue/two.tar"), Path("three.tar"))


def test_preflight_says_what_is_in_each_archive_and_how_much_is_new(tmp_path: Path, built: ImageSet) -> None:
    path = docker_save(tmp_path / "app.tar", content=b"x" * (2 << 20))
    findings, new = archive_findings(profile(path))
    assert [(each.ok, each.message) for each in findings] == [(True, f"{path}: 1 image, 2 MiB")]
    assert new > 2 << 20
    build(profile(path))
    assert archive_findings(profile(path)) == (findings, 0)


def test_preflight_names_every_archive_that_cannot_be_used(tmp_path: Path) -> None:
    one, other = docker_save(tmp_path / "one.tar"), docker_save(tmp_path / "other.tar", content=b"other")
    findings, _ = archive_findings(profile(one, tmp_path / "gone.tar", other))
    assert [(each.check, each.ok) for each in findings] == [
        ("archive", True),
        ("archive", False),
        ("archive", True),
        ("archives", False),
    ]
    assert "There is no image archive at" in findings[1].message
    assert REFERENCE in findings[3].message


def test_an_offline_plan_has_given_images_as_up_delivers_them(built: ImageSet, tmp_path: Path) -> None:
    chosen = profile(docker_save(tmp_path / "app.tar"))
    planned = Offline(chosen, Home("local", tmp_path / "homes")).images
    delivered, _ = build(chosen)
    assert planned["team/app:1"] == delivered["team/app:1"]
    assert planned["pause"].digest == NOT_BUILT


def test_a_bundle_of_the_platform_s_own_images_plans_them_once(tmp_path: Path) -> None:
    own = Offline(profile(), Home("local", tmp_path / "homes")).images["pause"].reference
    planned = Offline(profile(docker_save(tmp_path / "own.tar", own)), Home("local", tmp_path / "homes")).images
    assert [image.name for image in planned if image.reference == own] == ["pause"]


WRONG: dict[str, Callable[[Path], object]] = {
    "absent": lambda path: None,
    "not named": lambda path: (writer := Writer()).name(writer.image([b"x"])).write(path),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_archive_stops_before_anything_is_built(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SourceSupply, "build", lambda *_: pytest.fail("something was built"))
    WRONG[case](tmp_path / "a.tar")
    with pytest.raises(BadArchive, match=r"a\.tar"):
        build(profile(tmp_path / "a.tar"))


def test_preflight_warns_of_images_that_are_named_and_not_given(tmp_path: Path) -> None:
    chosen = load("local", ["components.training.settings.torch_image=registry.mlp.internal/team/app:1"])
    (only,), _ = archive_findings(chosen)
    assert (only.ok, only.severity) == (False, "warning")
    assert "Component training names the image registry.mlp.internal/team/app:1" in only.message
    given = load(
        "local",
        [
            "components.training.settings.torch_image=registry.mlp.internal/team/app:1",
            f"supply.archives=['{docker_save(tmp_path / 'app.tar')}']",
        ],
    )
    findings, _ = archive_findings(given)
    assert [each.ok for each in findings] == [True]
