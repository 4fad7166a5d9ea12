"""How checks are run: evidence for each, a failure never hides the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.names import Role
from infra.kubectl import Kubectl, KubectlFailed, person, until
from infra.verify.checks import CHECKS, Check, deployment
from infra.verify.run import chosen, prove


def fail(_: Any) -> str:
    raise AssertionError("B saw it")


def broken(_: Any) -> str:
    raise KeyError("operation")


def test_each_check_gives_its_evidence_and_failures_do_not_hide_others() -> None:
    shown: list[dict[str, Any]] = []
    checks = [
        Check("stage", lambda _: "set"),
        Check("leak", fail),
        Check("crash", broken),
        Check("last", lambda _: "ok"),
    ]
    results = prove(object(), shown.append, checks)  # type: ignore[arg-type]
    assert shown == results
    assert [(r["name"], r["pass"], r["evidence"]) for r in results] == [
        ("stage", True, "set"),
        ("leak", False, "B saw it"),
        ("crash", False, "'operation'"),
        ("last", True, "ok"),
    ]
    assert all(set(r) == {"name", "pass", "evidence", "seconds"} for r in results)


def test_without_the_stage_nothing_passes() -> None:
    results = prove(object(), lambda _: None, [Check("stage", fail), Check("next", lambda _: "ok")])  # type: ignore[arg-type]
    assert [(r["pass"], r["evidence"]) for r in results] == [(False, "B saw it"), (False, "not tried: B saw it")]


def test_a_choice_keeps_the_stage_and_its_clearing() -> None:
    names = [check.name for check in chosen(["NodePort"], CHECKS)]
    assert names == [CHECKS[0].name, "a NodePort is refused", CHECKS[-1].name]


def kubectl(folder: Path, script: str) -> Kubectl:
    binary = folder / "kubectl"
    binary.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    binary.chmod(0o755)
    return Kubectl(binary, folder / "kubeconfig")


POD = {"kind": "Pod", "metadata": {"name": "p", "namespace": "n"}}


def test_a_refusal_is_evidence(tmp_path: Path) -> None:
    tool = kubectl(tmp_path, 'echo "Error (Forbidden): pods is forbidden: no" >&2; exit 1')
    assert tool.refused(POD, person("t", Role.ADMIN)) == "Error (Forbidden): pods is forbidden: no"


def test_an_accepted_object_fails_the_check_and_is_removed(tmp_path: Path) -> None:
    tool = kubectl(tmp_path, f'echo "$@" >> {tmp_path}/calls')
    with pytest.raises(AssertionError, match="was accepted"):
        tool.refused(POD, person("t", Role.ADMIN))
    calls = (tmp_path / "calls").read_text("utf-8")
    assert "delete pod p" in calls
    assert "--as=user:verify-admin --as-group=tenant:t:admin --as-group=system:authenticated" in calls


def test_another_error_is_no_refusal(tmp_path: Path) -> None:
    tool = kubectl(tmp_path, 'echo "connection refused" >&2; exit 1')
    with pytest.raises(KubectlFailed, match="connection refused"):
        tool.refused(POD, person("t", Role.ADMIN))


def test_waiting_ends_with_what_was_waited_for() -> None:
    with pytest.raises(AssertionError, match="the pod: not within 0 s"):
        until("the pod", 0, lambda: None)


def test_a_deployment_carries_the_pod_as_its_template() -> None:
    pod = {"metadata": {"name": "p", "namespace": "n"}, "spec": {"containers": [], "restartPolicy": "Never"}}
    made = deployment(pod)
    assert made["spec"]["template"]["spec"] == {"containers": [], "restartPolicy": "Always"}
    assert pod["spec"]["restartPolicy"] == "Never"  # type: ignore[index]
