"""Which version an endpoint serves."""

from __future__ import annotations

from typing import Any

from controlplane.contents.reading.served import Served, served


def _service(address: str, **notes: str) -> dict[str, Any]:
    return {"metadata": {}, "spec": {"predictor": {"annotations": notes, "model": {"storageUri": address}}}}


def _notes(version: str) -> dict[str, str]:
    return {
        "mlp.io/model-source": "models:/sales@production",
        "mlp.io/model-version": version,
        "mlp.io/model-run": "r1",
    }


def _pod(phase: str = "Running", **notes: str) -> dict[str, Any]:
    return {"metadata": {"annotations": notes}, "status": {"phase": phase}}


def test_a_pinned_version_is_what_it_says() -> None:
    assert served(_service("models:/sales/7"), ()) == (Served("sales", 7),)
    assert served(_service("models:/sales/7", **_notes("3")), ()) == (Served("sales", 7),), "notes of an earlier alias"


def test_an_alias_is_what_its_pods_were_told() -> None:
    service = _service("models:/sales@production", **_notes("4"))
    assert served(service, ()) == (Served("sales", 4, "production", "r1"),)
    both = served(service, [_pod(**_notes("3")), _pod(**_notes("4")), _pod("Pending", **_notes("9"))])
    assert [each.version for each in both] == [4, 3], "a rollout serves two versions for a while"


def test_an_alias_that_nobody_followed_yet() -> None:
    assert served(_service("models:/sales@production"), ()) == (Served("sales", None, "production"),)


def test_what_is_no_model_of_the_registry_serves_none() -> None:
    for address in ("s3://bucket/model", "models:/", "models:/a/b/c", "models:/sales@a b", ""):
        assert served(_service(address), ()) == ()
    assert served({"metadata": {}, "spec": {"predictor": None}}, ()) == ()
