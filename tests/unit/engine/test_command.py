"""What the CLI sees of our environment."""

from __future__ import annotations

import pytest

from infra.engine.command import environment


def test_only_chosen_variables_reach_the_cli(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "PULUMI_ACCESS_TOKEN": "x",
        "PULUMI_CONFIG_PASSPHRASE": "x",
        "SECRET_OF_SOMEBODY": "x",
        "AWS_REGION": "eu-central-1",
        "HTTPS_PROXY": "http://proxy",
        "no_proxy": "localhost",
        "PATH": "/usr/bin",
    }.items():
        monkeypatch.setenv(name, value)
    seen = environment({"PULUMI_HOME": "/h"})
    assert seen["PULUMI_HOME"] == "/h"
    assert {"AWS_REGION", "HTTPS_PROXY", "no_proxy", "PATH"} <= set(seen)
    assert not {"PULUMI_ACCESS_TOKEN", "PULUMI_CONFIG_PASSPHRASE", "SECRET_OF_SOMEBODY"} & set(seen)
