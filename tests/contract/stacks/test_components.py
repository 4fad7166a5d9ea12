"""The catalog installed through Pulumi on a real API server, whose pods a pretended node reports as running.

But for components with webhooks: nobody would answer at them, and the API server would look for them at addresses of
services, which lead out of this machine.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from infra.engine.kept import KeptStack, read_kept
from infra.engine.model import EventKind
from infra.lifecycle.unchanged import unchanged
from infra.stacks.components import Bill
from tests.contract.engine.driver import engine as make_engine
from tests.servers.installs import OWN, install
from tests.servers.kubelet import Kubelet, running
from tests.servers.kubernetes import KubernetesServer, kubernetes

pytestmark = pytest.mark.contract
_QUIET = tuple(each for each in OWN if not each.server_names)


def _edited(server: KubernetesServer, bill: Bill, kept: KeptStack | None) -> None:
    """Whatever differs is left to the engine: in the program, in the cluster, and what a cut off update left."""
    assert kept is not None
    fewer = replace(bill, components=bill.components[:-1])
    assert unchanged("components", fewer, kept) is None
    assert unchanged("components", bill, replace(kept, settled=False)) is None
    assert unchanged("components", replace(bill, kubeconfig="{}"), kept) is None
    gateway = "/apis/apps/v1/namespaces/mlp-gateway/deployments/gateway"
    patch = {"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 7}}}}
    server.request("PATCH", gateway, patch, content_type="application/merge-patch+json")
    assert unchanged("components", bill, kept) is None


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
        kept = read_kept(tmp_path / "home", "components", (tmp_path / "home" / "passphrase").read_text)
        found = unchanged("components", bill, kept)
        assert found is not None, "told without the engine too"
        assert found.same == sum(again.counts.values())
        _edited(server, bill, kept)
        assert [event.text for event in events if event.kind is EventKind.FAILED] == []
        for each in _QUIET:
            for ref in each.ready(each.settings()):
                path = f"/apis/{ref.api_version}/namespaces/{ref.namespace}/{ref.kind.lower()}s/{ref.name}"
                assert server.request("GET", path)["status"]
