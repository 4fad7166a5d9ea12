"""What is said of locks and unfinished operations, and what is done without asking further."""

from __future__ import annotations

import os
import socket

from infra.engine.holders import Lock
from infra.engine.model import ResourceName
from infra.engine.repair import Pending
from infra.lifecycle.damages import damages

DEAD = 2**22 + 1
"""No process can have this number."""


def lock(host: str, pid: int = DEAD) -> Lock:
    return Lock("name", "cluster", "ada", host, pid, "2026-11-23T19:41:15Z", "platform up --profile aws")


def pending(kind: str, operation: str = "creating", identity: str = "") -> Pending:
    return Pending(ResourceName(f"urn:{kind}", kind, "main"), operation, identity)


def test_a_dead_lock_of_this_machine_is_removed() -> None:
    (found,) = damages("cluster", [lock(socket.gethostname())], [])
    assert found.mends
    assert "ada@" in found.found
    assert "`platform up --profile aws`" in found.found


def test_a_lock_of_another_machine_stays_unless_its_holder_is_named() -> None:
    (kept,) = damages("cluster", [lock("elsewhere")], [])
    assert not kept.mends
    assert "platform repair --lock-of ada@elsewhere" in kept.remedy
    assert "two runs at once" in kept.risk
    (other,) = damages("cluster", [lock("elsewhere")], [], lock_of="bob@elsewhere")
    assert not other.mends
    (given_up,) = damages("cluster", [lock("elsewhere")], [], lock_of="ada@elsewhere")
    assert given_up.mends


def test_a_number_that_went_to_another_process_holds_nothing() -> None:
    (found,) = damages("cluster", [lock(socket.gethostname(), os.getpid())], [])
    assert found.mends


def test_what_can_be_read_again_settles() -> None:
    cases = [
        pending("aws:ec2/vpc:Vpc", "deleting", "vpc-1"),
        pending("kubernetes:core/v1:ConfigMap"),
        pending("aws:s3/bucket:Bucket", identity="mlp-artifacts"),
    ]
    found = damages("cluster", [], cases)
    assert [each.mends for each in found] == [True, True, True]
    assert "found as mlp-artifacts" in found[2].risk


def test_a_creation_under_an_unknown_id_waits_for_a_person() -> None:
    (kept,) = damages("cluster", [], [pending("aws:ec2/vpc:Vpc")])
    assert not kept.mends
    assert kept.key == "aws:ec2/vpc:Vpc/main"
    assert "costs money" in kept.risk
    assert "platform repair --forget main" in kept.remedy
    (given_up,) = damages("cluster", [], [pending("aws:ec2/vpc:Vpc")], forget=["aws:ec2/vpc:Vpc/main"])
    assert given_up.mends
