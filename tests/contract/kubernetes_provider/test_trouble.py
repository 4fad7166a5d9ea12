"""An unreachable server, and secrets."""

from __future__ import annotations

import base64
from pathlib import Path

import pulumi
import pytest

from components.resource import register
from infra.engine.errors import EngineError
from infra.stacks.objects import KubernetesProvider
from tests.contract.kubernetes_provider.conftest import Case
from tests.contract.kubernetes_provider.objects import config_map, secret

pytestmark = pytest.mark.contract

MAPS = "v1/configmaps"


def test_an_unreachable_server_fails_and_never_drops_resources(case: Case) -> None:
    objects = {"settings": config_map("settings", {"a": "1"})}
    case.up(objects)
    kubeconfig = Path(case.kubeconfig)
    works = kubeconfig.read_text()
    kubeconfig.write_text(works.replace(case.server.url, "https://127.0.0.1:1"))

    with pytest.raises(EngineError):
        case.up({"settings": config_map("settings", {"a": "2"})})
    with pytest.raises(EngineError):
        case.destroy()

    kubeconfig.write_text(works)
    result = case.up(objects)
    assert not result.changed
    assert case.get(MAPS, "settings")["data"] == {"a": "1"}


def test_secrets_stay_secret_in_state_and_outputs(case: Case) -> None:
    words = {name: f"canary-{name}-{case.namespace}" for name in ("data", "plain", "marked", "exported")}
    encoded = base64.b64encode(words["data"].encode()).decode()

    def program() -> None:
        provider = KubernetesProvider("cluster", kubeconfig=case.kubeconfig, cluster="c")
        options = pulumi.ResourceOptions(provider=provider)
        register("credentials", secret("credentials", data={"password": encoded}), options)
        register("plain", secret("plain", stringData={"password": words["plain"]}), options)
        marked = config_map("marked", {"token": pulumi.Output.secret(words["marked"])})
        made = register("marked", marked, options)
        pulumi.export("exported", pulumi.Output.secret(words["exported"]))
        pulumi.export("derived", pulumi.Output.concat("id:", made.id))

    events = []
    result = case.engine.up(case.stack, program, on_event=events.append)
    case.engine.refresh(case.stack, on_event=events.append)

    kept = case.state()
    shown = repr(events) + repr(result)
    for word in [*words.values(), encoded, base64.b64encode(words["plain"].encode()).decode()]:
        assert word not in kept
        assert word not in shown
    assert result.outputs["exported"].secret
    assert result.outputs["exported"].value == words["exported"]
    assert case.get("v1/secrets", "credentials")["data"] == {"password": encoded}
    assert base64.b64decode(case.get("v1/secrets", "plain")["data"]["password"]).decode() == words["plain"]
    assert case.get(MAPS, "marked")["data"] == {"token": words["marked"]}
