"""The project folder."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import yaml

from infra.engine.home import Home
from infra.engine.model import Plugin


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_preparing_lays_out_a_project_that_the_cli_reads(tmp_path: Path) -> None:
    home = Home(tmp_path / "local", None, [])
    home.prepare()
    project = yaml.safe_load((tmp_path / "local" / "Pulumi.yaml").read_text())
    assert project["name"] == "mlp"
    assert project["backend"] == {"url": f"file://{tmp_path}/local/state?metadata=skip"}
    assert mode(home.path) == 0o700


def test_preparing_again_changes_nothing(tmp_path: Path) -> None:
    home = Home(tmp_path, None, [Plugin("kubernetes", "1.2.3", ("/bin/echo",))])
    home.prepare()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    home.prepare()
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()} == before


def test_the_cli_finds_no_place_for_logs_of_its_own(tmp_path: Path) -> None:
    home = Home(tmp_path / "home", None, ())
    (home.pulumi_home / "logs").mkdir(parents=True)
    (home.pulumi_home / "logs" / "old.log").write_text("values of an earlier run")
    home.prepare()
    assert (home.pulumi_home / "logs").read_bytes() == b""
    home.prepare()
    assert (home.pulumi_home / "logs").is_file()


def test_the_passphrase_is_made_once_and_private(tmp_path: Path) -> None:
    home = Home(tmp_path, None, [])
    first = home.passphrase()
    assert len(first) >= 43
    assert home.passphrase() == first
    assert mode(home.passphrase_file) == 0o600


def test_a_plugin_is_an_executable_where_the_engine_looks(tmp_path: Path) -> None:
    home = Home(tmp_path, None, [Plugin("kubernetes", "1.2.3", ("/bin/echo", "it's", "a b"))])
    home.prepare()
    plugin = tmp_path / "pulumi" / "plugins" / "resource-kubernetes-v1.2.3" / "pulumi-resource-kubernetes"
    said = subprocess.run([plugin, "127.0.0.1:1"], capture_output=True, text=True, check=True)
    assert said.stdout == "it's a b 127.0.0.1:1\n"


def test_settings_are_private_and_survive(tmp_path: Path) -> None:
    home = Home(tmp_path, None, [])
    assert home.settings("cluster") == {}
    home.save_settings("cluster", {"config": {"mlp:x": "1"}})
    assert home.settings("cluster") == {"config": {"mlp:x": "1"}}
    assert mode(home.settings_path("cluster")) == 0o600
    assert list(tmp_path.glob(".Pulumi*")) == []


def test_another_backend_has_no_state_file(tmp_path: Path) -> None:
    assert Home(tmp_path, "s3://bucket", []).state_file("cluster") is None
