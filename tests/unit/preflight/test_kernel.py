"""What tries of kernel features mean, and the messages that ask netfilter."""

from __future__ import annotations

import struct

from infra.preflight import kernel
from infra.preflight.model import Finding


def test_findings_name_the_use_and_the_module() -> None:
    works, bridge, namespaces = kernel.findings(
        {"veth": "", "bridge": "RTNETLINK answers: Operation not supported", "namespaces": "Operation not permitted"}
    )

    assert works == Finding("kernel veth", True, "works")
    assert bridge.message == (
        "It does not work (RTNETLINK answers: Operation not supported), but hosts and pods are joined by it."
    )
    assert bridge.remedy.startswith("Run: modprobe -a bridge.")
    assert "privileged container" in namespaces.remedy


def test_every_feature_that_is_tried_says_what_it_is_for() -> None:
    assert {*kernel.TRIES, *kernel.NETFILTER} == set(kernel.NEEDED_FOR)


def test_a_netfilter_request_is_well_formed() -> None:
    message = kernel.request(10, 16, b"abcd")

    length, kind, flags = struct.unpack_from("<IHH", message)
    assert length == len(message) == 24
    assert kind == 10 << 8 | 16
    assert flags == 0x5
    assert message[16:] == b"\x02\x00\x00\x00abcd"


def test_errors_in_answers() -> None:
    refused = struct.pack("<IHHIIi", 36, 2, 0, 1, 0, -22) + bytes(16)
    acknowledged = struct.pack("<IHHIIi", 36, 2, 0, 1, 0, 0) + bytes(16)
    answer = struct.pack("<IHHII", 24, 10 << 8 | 15, 0, 1, 0) + bytes(8)

    assert [kernel.error_of(each) for each in (refused, acknowledged, answer, b"")] == [22, 0, 0, 0]


def test_a_try_repeats_the_last_line_of_what_was_said() -> None:
    assert kernel._try(["/bin/sh", "-c", "exit 0"]) == ""
    assert kernel._try(["/bin/sh", "-c", "echo first >&2; echo last >&2; exit 1"]) == "last"
    assert kernel._try(["/bin/sh", "-c", "exit 3"]) == "/bin/sh ended with code 3"
    assert kernel._try(["/nonexistent/program"]) == "/nonexistent/program is not on PATH"
