"""Unfinished operations in a state: which settle, which wait, and what stays of them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from infra.engine import repair

BUCKET = "urn:pulumi:cluster::mlp::aws:s3/bucket:Bucket::artifacts"
NETWORK = "urn:pulumi:cluster::mlp::mlp:aws:Network$aws:ec2/vpc:Vpc::network"


def exported(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"version": 3, "deployment": {"resources": [{"urn": "other"}], "pending_operations": list(operations)}}


def creating(urn: str, **inputs: Any) -> dict[str, Any]:
    kind = urn.split("::")[2].rpartition("$")[2]
    return {"type": "creating", "resource": {"urn": urn, "type": kind, "custom": True, "inputs": inputs}}


def by_bucket(kind: str, name: str, inputs: Mapping[str, Any]) -> str:
    return str(inputs.get("bucket", ""))


def test_a_creation_whose_id_is_known_becomes_a_resource_to_be_read() -> None:
    before = exported(creating(BUCKET, bucket="mlp-artifacts"))
    untouched = copy.deepcopy(before)
    (found,) = repair.pending(before, by_bucket)
    assert (found.settles, found.identity, found.resource.name) == (True, "mlp-artifacts", "artifacts")
    settled = repair.settle(before, identify=by_bucket)["deployment"]
    assert "pending_operations" not in settled
    kept = settled["resources"][1]
    assert (kept["id"], kept["outputs"]) == ("mlp-artifacts", {"bucket": "mlp-artifacts"})
    assert kept["initErrors"]
    assert before == untouched


def test_a_creation_whose_id_nobody_knows_stays_until_it_is_dropped() -> None:
    before = exported(creating(NETWORK, cidrBlock="10.0.0.0/16"))
    (found,) = repair.pending(before, by_bucket)
    assert (found.settles, found.resource.kind) == (False, "aws:ec2/vpc:Vpc")
    assert repair.settle(before, identify=by_bucket) == before
    assert repair.settle(before, drop=[NETWORK])["deployment"] == {"resources": [{"urn": "other"}]}


def test_what_was_dropped_is_not_taken_up() -> None:
    before = exported(creating(BUCKET, bucket="mlp-artifacts"))
    dropped = repair.settle(before, drop=[BUCKET], identify=by_bucket)
    assert dropped["deployment"] == {"resources": [{"urn": "other"}]}


def test_the_same_operations_are_read_from_a_checkpoint() -> None:
    latest = exported(creating(NETWORK))["deployment"]
    assert [each.operation for each in repair.pending({"checkpoint": {"latest": latest}})] == ["creating"]
    assert repair.pending({"checkpoint": {"latest": {"resources": []}}}) == ()
