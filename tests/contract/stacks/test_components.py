"""The whole catalog installed through Pulumi on a real API server, whose pods a pretended node reports as running."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.engine.model import EventKind
from infra.stacks.components import Bill
from tests.contract.engine.driver import engine as make_engine
from tests.servers.installs import OWN, install
from tests.servers.kubelet import Kubelet, running
from tests.servers.kubernetes import kubernetes

pytestmark = pytest.mark.contract


@pytest.mark.timeout(300)
def test_every_component_installs_and_a_second_run_changes_nothing(tmp_path: Path) -> None:
    engine = make_engine(tmp_path / "home")
    # A server of its own: the catalog's admission policies hold for the whole cluster.
    with kubernetes(tmp_path / "server") as server, Kubelet(server, None) as kubelet:
        kubelet.report = running
        bill = Bill(server.kubeconfig.read_text(), [(each, each.settings()) for each in OWN], install())
        planned = engine.preview("components", bill)
        events = []
        made = engine.up("components", bill, on_event=events.append)
        again = engine.up("components", bill, refresh=True)

        assert set(planned.counts) == {"create"}
        assert made.counts == planned.counts
        assert not again.changed
        assert [event.text for event in events if event.kind is EventKind.FAILED] == []
        for each in OWN:
            for ref in each.ready(each.settings()):
                path = f"/apis/{ref.api_version}/namespaces/{ref.namespace}/{ref.kind.lower()}s/{ref.name}"
                assert server.request("GET", path)["status"]
