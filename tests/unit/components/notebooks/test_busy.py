"""What counts as work of a notebook server's processors and GPUs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import components.notebooks.pod.busy as busy

_NO_GPUS = ("no-such-program",)


def _second(folder: Path, seconds: float) -> Path:
    (folder / "cpu.stat").write_text(f"usage_usec {int(seconds * 1e6)}\nuser_usec 5\nsystem_usec 7\n")
    return folder


def _first(folder: Path, seconds: float) -> Path:
    (folder / "cpuacct").mkdir(exist_ok=True)
    (folder / "cpuacct" / "cpuacct.usage").write_text(f"{int(seconds * 1e9)}\n")
    return folder


@pytest.mark.parametrize("used", [_first, _second])
@pytest.mark.parametrize(("cores", "expected"), [(0.02, False), (0.09, False), (0.12, True), (3.0, True)])
def test_processors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cores: float, expected: bool, used: Callable[[Path, float], Path]
) -> None:
    now = iter((100.0, 160.0, 220.0))
    monkeypatch.setattr(time, "monotonic", lambda: next(now))
    meter = busy.Meter(used(tmp_path, 5), _NO_GPUS)
    used(tmp_path, 5 + cores * 60)
    assert meter.busy() is expected
    assert meter.busy() is False, "nothing since"


def test_without_a_cgroup_nothing_is_work(tmp_path: Path) -> None:
    assert busy.Meter(tmp_path / "absent", _NO_GPUS).busy() is False
    (tmp_path / "cpu.stat").write_text("nr_periods 1\n")
    assert busy.Meter(tmp_path, _NO_GPUS).busy() is False


@pytest.mark.parametrize(
    ("answer", "percent"), [("", 0), ("0\n", 0), ("3\n87\n", 87), ("[N/A]\n4\n", 4), ("[Not Supported]\n", 0)]
)
def test_gpus(answer: str, percent: int) -> None:
    assert busy.gpu_use(answer) == percent


@pytest.mark.parametrize(("percent", "expected"), [(4, False), (5, True)])
def test_a_gpu_at_work_is_activity(tmp_path: Path, percent: int, expected: bool) -> None:
    assert busy.Meter(tmp_path / "absent", ("echo", str(percent))).busy() is expected


def test_a_program_that_fails_tells_nothing(tmp_path: Path) -> None:
    assert busy.Meter(tmp_path / "absent", ("false",)).busy() is False


def test_jupyter_finds_it() -> None:
    assert busy._jupyter_server_extension_points() == [{"module": busy.__name__}]
    (file,) = Path(busy.__file__).parent.glob("config/jupyter_server_config.d/*.json")
    assert json.loads(file.read_text())["ServerApp"]["jpserver_extensions"] == {busy.__name__: True}
