"""Which storage the control plane opens, by its facts. No cloud is asked."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from components.facts import Cloud
from controlplane.settings import Settings
from controlplane.wiring import make_storage
from tests.unit.controlplane.clouds.samples import AWS, AZURE, GCP, MINE
from tests.unit.reconcile.samples import FACTS

pytestmark = pytest.mark.contract


@pytest.fixture(autouse=True)
def pods(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the platforms put into a pod's environment."""
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "x"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
        ("AZURE_CLIENT_ID", "x"),
        ("AZURE_TENANT_ID", AZURE.tenant),
        ("AZURE_FEDERATED_TOKEN_FILE", "/var/run/secrets/azure/tokens/azure-identity-token"),
        ("STORAGE_EMULATOR_HOST", "http://127.0.0.1:1"),
    ):
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(("cloud", "name"), [(AWS, "AwsStorage"), (GCP, "GcpStorage"), (AZURE, "AzureStorage")])
def test_facts_choose_the_cloud_and_no_key_is_needed(cloud: Cloud, name: str) -> None:
    facts = FACTS.model_copy(update={"cloud": cloud, "storage": None})
    database: dict[str, Any] = {"database_url": SecretStr("postgresql://x"), "broker_url": SecretStr("redis://x")}
    storage = make_storage(Settings(facts=facts, **database))
    assert type(storage).__name__ == name
    assert storage is not None
    environment = storage.environment(MINE)
    assert set(environment) == {"MLP_BUCKET"}
    assert environment["MLP_BUCKET"].startswith("mlp-unit-ws-")
    storage.close()  # type: ignore[attr-defined]
