"""Hashing, redacting and proving the audit trail."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from controlplane.audit.chain import GENESIS, REDACTED, canonical, event_fields, redact, row_hash, verify
from controlplane.audit.model import AuditEvent

AT = datetime(2026, 5, 1, 12, 0, 0, 5, tzinfo=UTC)


def chain(length: int) -> list[AuditEvent]:
    events: list[AuditEvent] = []
    prev = GENESIS
    for seq in range(1, length + 1):
        fields = {
            "seq": seq, "at": AT, "actor": "user:ada", "credential": "", "action": "x", "object": f"o/{seq}",
            "outcome": "done", "before": None, "after": {"n": seq, "ü": [1.5]}, "request_id": "", "address": "",
        }  # fmt: skip
        digest = row_hash(prev, {**fields, "chain": "c"})
        events.append(AuditEvent.model_validate({**fields, "prev_hash": prev, "row_hash": digest}))
        prev = digest
    return events


def test_a_row_hash_can_be_computed_by_anyone() -> None:
    (event,) = chain(1)
    document = {**json.loads(event.model_dump_json(exclude={"prev_hash", "row_hash"})), "chain": "c"}
    document["at"] = "2026-05-01T12:00:00.000005Z"
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert event.row_hash == hashlib.sha256(GENESIS.encode() + b"\x1f" + text.encode()).hexdigest()


def test_times_are_alike_in_every_zone() -> None:
    there = AT.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert canonical({"at": AT}) == canonical({"at": there})


@given(st.integers(0, 6), st.data())
def test_any_missing_or_moved_event_is_found(length: int, data: st.DataObject) -> None:
    events = chain(length)
    head = events[-1].row_hash if events else GENESIS
    assert verify("c", events, head, length).intact
    order = data.draw(st.permutations(range(length)))
    keep = data.draw(st.integers(0, length))
    forged = [events[i] for i in order][:keep]
    assert verify("c", forged, head, length).intact == (forged == events)


def test_an_edited_event_and_another_chains_name_are_found() -> None:
    events = chain(3)
    head = events[-1].row_hash
    edited = [events[0], events[1].model_copy(update={"actor": "user:eve"}), events[2]]
    assert verify("c", edited, head, 3).first_bad == 2
    assert verify("other", events, head, 3).first_bad == 1
    assert "chain" in event_fields(events[0], "c")


def test_secret_looking_keys_are_redacted_everywhere() -> None:
    document = {"password": "x", "deep": [{"api_token": "y", "name": "z", "has_secret": True, "client_secret": None}]}
    found = redact(document)
    assert found == {
        "password": REDACTED,
        "deep": [{"api_token": REDACTED, "name": "z", "has_secret": True, "client_secret": None}],
    }
    assert document["password"] == "x", "the input is unchanged"
