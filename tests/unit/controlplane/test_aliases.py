"""What an endpoint should say of the version that its alias points to."""

from __future__ import annotations

from typing import Any

import pytest

from controlplane.serving.aliases import followed, is_held, pinned, unresolved
from controlplane.tracking.registry import ModelVersion

URI = "models:/iris@champion"


def endpoint(uri: str = URI, pods: dict[str, str] | None = None, **meta: Any) -> dict[str, Any]:
    predictor: dict[str, Any] = {"model": {"modelFormat": {"name": "mlflow"}, "storageUri": uri}}
    if pods is not None:
        predictor["annotations"] = pods
    return {"metadata": {"namespace": "ws-acme--lab", "name": "iris", **meta}, "spec": {"predictor": predictor}}


@pytest.mark.parametrize(
    ("uri", "model", "alias"),
    [
        (URI, "iris", "champion"),
        ("models:///iris@champion", "iris", "champion"),
        ("models:/my model v.2@blue-green_1", "my model v.2", "blue-green_1"),
    ],
)
def test_aliases_are_followed(uri: str, model: str, alias: str) -> None:
    found = followed(endpoint(uri))
    assert found is not None
    assert (found.model, found.alias, found.pinned) == (model, alias, "")


@pytest.mark.parametrize(
    "obj",
    [
        endpoint("models:/iris/3"),
        endpoint("models:/m-0123456789"),
        endpoint("models:/iris@"),
        endpoint("models:/a/b@champion"),
        endpoint("models:/iris@a@b"),
        endpoint("s3://bucket/models:/iris@champion"),
        endpoint(""),
        endpoint(deletionTimestamp="2026-01-01T00:00:00Z"),
        endpoint(namespace="kube-system"),
        {"metadata": {"namespace": "ws-a--b", "name": "x"}, "spec": {"predictor": {"containers": []}}},
        {"metadata": {"namespace": "ws-a--b", "name": "x"}},
    ],
)
def test_nothing_else_is(obj: dict[str, Any]) -> None:
    assert followed(obj) is None


def merged(obj: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    result = dict(obj) if isinstance(obj, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def test_a_version_is_pinned_once_and_moved_whole() -> None:
    obj = endpoint(pods={"other": "stays"})
    for version, expected in (
        (ModelVersion("1", "run-1"), {"mlp.io/model-version": "1", "mlp.io/model-run": "run-1"}),
        (ModelVersion("2"), {"mlp.io/model-version": "2"}),
    ):
        found = followed(obj)
        assert found is not None
        patch = pinned(found, version)
        assert patch is not None
        obj = merged(obj, patch)
        assert obj["spec"]["predictor"]["annotations"] == {"other": "stays", "mlp.io/model-source": URI, **expected}
        assert f"version {version.version} of iris" in obj["metadata"]["annotations"]["mlp.io/model-status"]
        again = followed(obj)
        assert again is not None
        assert again.pinned == version.version
        assert pinned(again, version) is None, "nothing to do means nothing done"


def test_what_was_said_for_another_address_does_not_count() -> None:
    pods = {"mlp.io/model-source": "models:/iris@challenger", "mlp.io/model-version": "7"}
    found = followed(endpoint(pods=pods))
    assert found is not None
    assert found.pinned == ""
    assert pinned(found, ModelVersion("7")) is not None


def test_an_alias_that_leads_nowhere_takes_nothing_down() -> None:
    pods = {"mlp.io/model-source": URI, "mlp.io/model-version": "7"}
    obj = endpoint(pods=pods)
    found = followed(obj)
    assert found is not None
    patch = unresolved(found, "Registered model alias champion not found.")
    assert patch is not None
    assert "spec" not in patch
    obj = merged(obj, patch)
    status = obj["metadata"]["annotations"]["mlp.io/model-status"]
    assert status == "Registered model alias champion not found. Version 7 stays."
    again = followed(obj)
    assert again is not None
    assert unresolved(again, "Registered model alias champion not found.") is None
    assert unresolved(again, "x" * 10_000) != unresolved(again, "y")
    assert len(str(unresolved(again, "x" * 10_000))) < 600


def test_what_was_held_back_starts_with_its_version_and_not_before() -> None:
    obj = endpoint(annotations={"serving.kserve.io/stop": "true", "mlp.io/waits-for-version": "true", "mine": "stays"})
    found = followed(obj)
    assert found is not None
    nowhere = unresolved(found, "no such alias")
    assert nowhere is not None
    obj = merged(obj, nowhere)
    assert is_held(obj)
    assert obj["metadata"]["annotations"]["mlp.io/model-status"] == (
        "no such alias. It starts once the alias leads to a version."
    )

    found = followed(obj)
    assert found is not None
    patch = pinned(found, ModelVersion("3"))
    assert patch is not None
    obj = merged(obj, patch)
    assert set(obj["metadata"]["annotations"]) == {"mine", "mlp.io/model-status"}
    assert obj["spec"]["predictor"]["annotations"]["mlp.io/model-version"] == "3"
    found = followed(obj)
    assert found is not None
    assert pinned(found, ModelVersion("3")) is None
