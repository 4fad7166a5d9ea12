"""The plugin under the real engine, with a real host whose container runtime is a script that sleeps."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.clusters.resources import Host
from infra.engine.engine import Engine
from infra.engine.errors import EngineError
from infra.engine.model import Op, Plugin
from infra.hosts import cgroups, lifecycle
from infra.hosts.layout import Layout
from infra.hosts.transport import LocalTransport
from infra.providers.hosts import PLUGIN_VERSION
from infra.providers.hosts.models import ForwardInput, HostInputs, PeerInput, TargetInput
from tests.root.conftest import free_port
from tests.servers.binaries import find

STACK = "cluster"


class Trial:
    """One installation with one host, and the engine that keeps it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.installation = f"t{os.urandom(4).hex()}"
        self.layout = Layout(self.installation, "node1", folder / "hosts")
        plugin = Plugin("hosts", PLUGIN_VERSION, (sys.executable, "-m", "infra.providers.hosts"))
        self.engine = Engine(folder / "home", find("pulumi"), plugins=(plugin,), passphrase=lambda: "trial")
        self.port = free_port()

    def program(self, **changes: Any) -> Callable[[], None]:
        tools = {name: self._script(name, body) for name, body in (("containerd", "exec sleep 100000"), ("ctr", ""))}
        target = TargetInput(address="10.250.0.1", port=7000)
        given: dict[str, Any] = {
            "installation": self.installation,
            "host": "node1",
            "base": str(self.layout.base),
            "address": "10.250.0.1",
            "peers": (PeerInput(name="node1", address="10.250.0.1"),),
            "nodes": "10.250.0.0/24",
            "pods": "10.244.0.0/16",
            "services": "10.96.0.0/16",
            "tools": tools,
            "sandbox_image": "registry.mlp.internal/pause:1",
            "forwards": (ForwardInput(name="api", port=self.port, targets=(target,)),),
        }

        def run() -> None:
            Host("node1", HostInputs(**{**given, **changes}))

        return run

    def _script(self, name: str, body: str) -> str:
        path = self._folder / name
        if not path.exists():
            path.write_text(f"#!/bin/sh\n{body}\n")
            path.chmod(0o755)
        return str(path)

    def leftovers(self) -> list[str]:
        return [*map(str, cgroups.existing(f"mlp-{self.installation}-node1")), *map(str, self.layout.base.glob("*"))]


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Trial]:
    made = Trial(tmp_path)
    yield made
    lifecycle.remove(made.layout, f"mlp-{made.installation}-node1")


def test_a_host_lives_from_preview_to_destroy(trial: Trial) -> None:
    assert trial.engine.preview(STACK, trial.program()).counts == {"create": 1}
    assert lifecycle.current(trial.layout) is None

    assert trial.engine.up(STACK, trial.program()).counts == {"create": 1}
    assert LocalTransport(trial.layout).run(["hostname"]).text == "node1\n"
    assert not trial.engine.up(STACK, trial.program(), refresh=True).changed

    assert trial.engine.destroy(STACK).counts == {"delete": 1}
    assert trial.leftovers() == []


def test_a_host_that_was_killed_is_a_change_and_comes_back_with_its_data(trial: Trial) -> None:
    trial.engine.up(STACK, trial.program())
    transport = LocalTransport(trial.layout)
    transport.put("/var/lib/data", b"kept")
    for refresh in (False, True):
        state = lifecycle.current(trial.layout)
        assert state is not None
        state.supervisor.signal(signal.SIGKILL)
        planned = trial.engine.preview(STACK, trial.program())
        assert [(change.op, change.properties) for change in planned.changes] == [(Op.UPDATE, ("live",))]
        assert trial.engine.up(STACK, trial.program(), refresh=refresh).counts["update"] == 1
        assert transport.get("/var/lib/data") == b"kept"


def test_changed_forwards_update_in_place_and_a_host_that_vanished_is_made_anew(trial: Trial) -> None:
    trial.engine.up(STACK, trial.program())
    before = lifecycle.current(trial.layout)
    assert before is not None
    assert trial.engine.up(STACK, trial.program(forwards=())).counts == {"update": 1}
    after = lifecycle.current(trial.layout)
    assert after is not None
    assert after.init == before.init
    lifecycle.remove(trial.layout, f"mlp-{trial.installation}-node1")
    assert trial.engine.up(STACK, trial.program(), refresh=True).counts["create"] == 1


def test_what_failed_to_start_is_kept_in_state_so_that_destroy_removes_it(trial: Trial) -> None:
    with pytest.raises(EngineError, match="host's file system could not be set up"):
        trial.engine.up(STACK, trial.program(folders=("/nowhere",)))
    assert trial.layout.root.exists()
    trial.engine.destroy(STACK)
    assert trial.leftovers() == []


def test_inputs_that_make_no_sense_are_named_before_anything_is_made(trial: Trial) -> None:
    with pytest.raises(EngineError, match="overlap"):
        trial.engine.up(STACK, trial.program(pods="10.96.0.0/16"))
    assert trial.leftovers() == []
