"""How audit events are hashed, redacted and proven. Pure.

    row_hash = SHA-256(prev_hash ‖ 0x1f ‖ canonical JSON of the event without its two hashes)

Editing, deleting and reordering events is found; cutting off the tail is found against the chain's head, and by
whoever kept an earlier head.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from controlplane.audit.model import AuditEvent, Verification

GENESIS = hashlib.sha256(b"mlp audit chain").hexdigest()
"""What the first event of every chain follows."""

_SECRET = ("password", "secret", "token", "credential", "private", "csrf", "cookie")
REDACTED = "[redacted]"


def redact(document: Any) -> Any:
    """The document with the values of secret-looking keys replaced."""
    if isinstance(document, Mapping):
        return {
            str(key): REDACTED
            if any(word in str(key).lower() for word in _SECRET) and not isinstance(value, bool | None)
            else redact(value)
            for key, value in document.items()
        }
    if isinstance(document, list | tuple):
        return [redact(item) for item in document]
    return document


def canonical(event: Mapping[str, Any]) -> bytes:
    """One byte string per event: sorted keys, no spaces, UTF-8, times in UTC with microseconds."""
    plain = {key: _time(value) if isinstance(value, datetime) else value for key, value in event.items()}
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def row_hash(prev: str, event: Mapping[str, Any]) -> str:
    return hashlib.sha256(prev.encode() + b"\x1f" + canonical(event)).hexdigest()


def event_fields(event: AuditEvent, chain: str) -> dict[str, Any]:
    """What the hash covers: the chain's name and everything of the event but its hashes."""
    fields = event.model_dump(mode="python", exclude={"prev_hash", "row_hash"})
    fields["chain"] = chain
    return fields


def verify(chain: str, events: Iterable[AuditEvent], head: str, length: int) -> Verification:
    """Walk the chain from its beginning; the first event that does not fit is named."""
    prev, seq = GENESIS, 0
    for event in events:
        seq += 1
        why = ""
        if event.seq != seq:
            why = f"event {seq} is missing; the next one is {event.seq}"
        elif event.prev_hash != prev:
            why = "it does not follow the event before it"
        elif event.row_hash != row_hash(prev, event_fields(event, chain)):
            why = "its content is not what was hashed"
        if why:
            return Verification(chain=chain, events=seq, intact=False, first_bad=seq, why=why, head=head)
        prev = event.row_hash
    if seq != length or prev != head:
        why = f"the chain's head says {length} events, {seq} are there"
        return Verification(chain=chain, events=seq, intact=False, first_bad=seq + 1, why=why, head=head)
    return Verification(chain=chain, events=seq, intact=True, head=head)
