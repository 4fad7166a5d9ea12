"""Recorded words of the pinned CLI, and the error each must become."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from infra.engine.errors import (
    EngineError,
    Failure,
    OperationCancelled,
    OperationFailed,
    PassphraseWrong,
    PluginMissing,
    ProgramFailed,
    ResourcesFailed,
    StackLocked,
    StackMissing,
)
from infra.engine.translate import Holder, lock_holder, translate

SAMPLES = Path(__file__).parent / "samples"


def sample(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_text())
    return found


def translated(name: str, *, stopped: bool = False) -> EngineError:
    words = sample(name)
    return translate(
        "components",
        words["stdout"],
        words["stderr"],
        failures=tuple(Failure(**failure) for failure in words["failures"]),
        general=tuple(words["general"]),
        stopped=stopped,
    )


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("locked", StackLocked),
        ("passphrase-wrong", PassphraseWrong),
        ("plugin-missing", PluginMissing),
        ("program-failed", ProgramFailed),
        ("stack-missing", StackMissing),
    ],
)
def test_each_recorded_sample_has_its_error(name: str, kind: type[EngineError]) -> None:
    assert type(translated(name)) is kind


def test_every_sample_is_used() -> None:
    assert {path.stem for path in SAMPLES.glob("*.json")} == {
        "locked",
        "passphrase-wrong",
        "plugin-missing",
        "program-failed",
        "stack-missing",
        "stopped",
    }


def test_a_locked_stack_names_its_holder() -> None:
    error = translated("locked")
    assert isinstance(error, StackLocked)
    assert error.holder.startswith("operator@host (pid ")
    holder = lock_holder(sample("locked")["stderr"])
    assert isinstance(holder, Holder)
    assert holder.pid > 0


def test_a_missing_plugin_is_named() -> None:
    error = translated("plugin-missing")
    assert isinstance(error, PluginMissing)
    assert error.plugin == "kubernetes"


def test_a_failed_program_says_its_own_words_and_keeps_the_traceback_apart() -> None:
    error = translated("program-failed")
    assert isinstance(error, ProgramFailed)
    assert str(error) == "The program of stack components failed: no such thing"
    assert "ValueError" in error.details


def test_a_stop_on_request_is_a_cancellation_whatever_failed_with_it() -> None:
    error = translated("stopped", stopped=True)
    assert isinstance(error, OperationCancelled)
    assert "go on" in error.remedy


def test_failed_resources_come_first_with_their_reason() -> None:
    failures = (
        Failure("urn:1", "kubernetes:apps/v1:Deployment", "web", "pod web-1: ImagePullBackOff"),
        Failure("urn:2", "kubernetes:core/v1:ConfigMap", "settings", "conflict"),
    )
    error = translate("components", "", "error: update failed", failures=failures)
    assert isinstance(error, ResourcesFailed)
    assert str(error) == "kubernetes:apps/v1:Deployment web: pod web-1: ImagePullBackOff (1 more failed)"
    assert error.failures == failures


def test_anything_else_keeps_the_engines_last_words() -> None:
    error = translate("components", "", "one\n\nerror: the moon is full\n")
    assert type(error) is OperationFailed
    assert str(error) == "one error: the moon is full"
