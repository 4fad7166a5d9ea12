"""The catalog installed through Pulumi on a real API server, whose pods a pretended node reports as running.

But for components with webhooks: nobody would answer at them, and the API server would look for them at addresses of
services, which lead out of this machine.
"""

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
_QUIET = tuple(each for each in OWN if not each.server_names)


@pytest.mark.timeout(300)
def test_every_component_installs_and_a_second_run_changes_nothing(tmp_path: Path) -> None:
    engine = make_engine(tmp_path / "home")
    # A server of its own: the catalog's admission policies hold for the whole cluster.
    with kubernetes(tmp_path / "server") as server, Kubelet(server, None) as kubelet:
        kubelet.report = running
        bill = Bill(server.kubeconfig.read_text(), [(each, each.settings()) for each in _QUIET], install())
        planned = engine.preview("components", bill)
        events = []
        made = engine.up("components", bill, on_event=events.append)
        again = engine.up("components", bill, refresh=True)

        assert set(planned.counts) == {"create"}
        assert made.counts == planned.counts
        assert not again.changed
        assert [event.text for event in events if event.kind is EventKind.FAILED] == []
        for each in _QUIET:
            for ref in each.ready(each.settings()):
                path = f"/apis/{ref.api_version}/namespaces/{ref.namespace}/{ref.kind.lower()}s/{ref.name}"
                assert server.request("GET", path)["status"]
