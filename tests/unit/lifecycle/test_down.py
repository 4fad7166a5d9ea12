"""What `down` refuses before it touches anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.installation.home import Home
from infra.installation.record import Recorder
from infra.lifecycle.down import remove
from infra.lifecycle.errors import Refused
from infra.profile.load import load


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("MLP_HOME", str(tmp_path))
    made = Home("aws")
    made.path.mkdir(parents=True)
    return made


def begun(home: Home, *, installed: bool) -> None:
    recorder = Recorder(home)
    recorder.record.profile = {"name": "aws"}
    recorder.record.installed = installed
    recorder.save()


def test_a_cluster_that_was_never_begun_goes_without_asking_a_cloud(home: Home) -> None:
    assert remove(load("aws"), home, lambda _: None, keep_data=False) == {"removed": True, "leftovers": []}
    assert not home.path.exists()


def test_a_protected_cloud_says_how_to_unprotect_it(home: Home) -> None:
    begun(home, installed=True)
    with pytest.raises(Refused, match=r"aws\.deletion_protection is on.*platform up"):
        remove(load("aws"), home, lambda _: None, keep_data=False)
    assert home.path.exists()


def test_data_that_cannot_be_asked_for_counts_as_data(home: Home) -> None:
    begun(home, installed=True)
    profile = load("aws", ["aws.deletion_protection=false"])
    with pytest.raises(Refused, match=r"can't be asked.*--delete-data"):
        remove(profile, home, lambda _: None, keep_data=False)
    assert home.path.exists()


def test_data_is_kept_only_where_the_disks_are_ours(home: Home) -> None:
    with pytest.raises(Refused, match="on this machine"):
        remove(load("aws"), home, lambda _: None, keep_data=True)
