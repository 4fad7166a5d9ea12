"""Names that images are delivered under."""

from __future__ import annotations

import pytest

from infra.supply.references import delivered, repository

REGISTRY = "registry.example.com/mlp/"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("registry.example.com/mlp/team/app:1", "team/app:1"),
        ("registry.example.com/team/app:1.2-cuda12", "team/app:1.2-cuda12"),
        ("other.example.com:5000/app:V1", "app:V1"),
        ("localhost/app:1", "app:1"),
        ("localhost:5000/app:1", "app:1"),
        ("library/app:1", "library/app:1"),
        ("team/sub/app_x:1", "team/sub/app_x:1"),
        ("app:1", "app:1"),
    ],
)
def test_the_host_gives_way_to_the_registry(name: str, path: str) -> None:
    reference = delivered(name, REGISTRY)
    assert reference == REGISTRY + path
    assert delivered(reference, REGISTRY) == reference
    assert repository(reference, REGISTRY) == path.rpartition(":")[0]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("team/app", "no tag"),
        ("registry.example.com:5000/app", "no tag"),
        (":1", "no tag"),
        ("", "no tag"),
        ("team/app@sha256:0", "digest"),
        ("team/app:1@sha256:0", "digest"),
        ("team/App:1", "no image can have"),
        ("team/../app:1", "no image can have"),
        ("team/app:a b", "no image can have"),
        ("team/app:-1", "no image can have"),
        ("/app:1", "no image can have"),
    ],
)
def test_what_is_no_name_is_refused(name: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        delivered(name, REGISTRY)
