"""Whose a port is, from recorded kernel tables."""

from __future__ import annotations

from infra.preflight import ports
from infra.preflight.model import Finding
from infra.preflight.ports import Busy, Holder

TABLE = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:20FB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0000 100 0 0 10 0
   1: 0100007F:403B 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0000 100 0 0 10 0
   2: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1 0000 100 0 0 10 0
"""
WANTED = {"gateway": 8443, "api": 16443}


def test_only_listeners_on_the_ports_asked_for() -> None:
    assert ports.listening_inodes(TABLE, WANTED.values()) == {8443: {4711}}
    assert ports.listening_inodes(TABLE, [8080]) == {8080: {4713}}
    assert ports.listening_inodes("", [8080]) == {}


def test_free_ports() -> None:
    assert ports.findings(WANTED, {}, "local") == [
        Finding("port 8443", True, "free for gateway"),
        Finding("port 16443", True, "free for api"),
    ]


def test_our_own_forwarder_is_fine_and_others_are_named() -> None:
    ours = Holder(10, "python3", ("/", "/mlp-local-h1/machine"))
    other = Holder(11, "python3", ("/mlp-trial-h1/machine",))
    stranger = Holder(12, "nginx", ("/user.slice",))

    (fine,) = ports.findings({"api": 16443}, {16443: Busy("in use", ours)}, "local")
    (taken,) = ports.findings({"api": 16443}, {16443: Busy("in use", other)}, "local")
    (foreign,) = ports.findings({"api": 16443}, {16443: Busy("in use", stranger)}, "local")

    assert fine.ok
    assert (
        taken.message == "Port 16443 (api) is taken by python3 (process 11, host mlp-trial-h1 of another installation)."
    )
    assert foreign.message == "Port 16443 (api) is taken by nginx (process 12)."
    assert "local.ports.api" in foreign.remedy


def test_a_name_that_begins_alike_is_another_installation() -> None:
    holder = Holder(10, "python3", ("/mlp-localhost-h1/machine",))

    assert not holder.belongs_to("local")
    assert holder.belongs_to("localhost")
    assert holder.installation_host == "mlp-localhost-h1"


def test_without_a_holder_the_reason_is_told() -> None:
    (found,) = ports.findings({"gateway": 8443}, {8443: Busy("Permission denied")}, "local")

    assert found.message == "Port 8443 (gateway) can't be used: Permission denied."


def test_the_same_port_twice() -> None:
    assert ports.duplicates(WANTED) == []
    (found,) = ports.duplicates({"gateway": 8443, "api": 8443})
    assert found.message == "Port 8443 is wanted by api and gateway."
