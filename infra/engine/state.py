"""Reads a stack's checkpoint file without starting the CLI. Pure but for the vault's key."""

from __future__ import annotations

import json
from typing import Any

from infra.engine.model import Output
from infra.engine.vault import Vault

_MARK = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - Pulumi's mark of a sealed value, not a secret


def resources(checkpoint: dict[str, Any]) -> list[dict[str, Any]]:
    """All resources of a checkpoint, the stack itself included."""
    latest = (checkpoint.get("checkpoint") or {}).get("latest") or {}
    return latest.get("resources") or []


def handled(checkpoint: dict[str, Any]) -> int:
    """How many resources providers handle: not the stack, components or the providers themselves."""
    return sum(
        1 for each in resources(checkpoint) if each.get("custom") and not str(each["type"]).startswith("pulumi:")
    )


_UNFINISHED = ("delete", "pendingReplacement", "initErrors", "taint")


def settled(checkpoint: dict[str, Any]) -> bool:
    """Whether the next update would find nothing that an earlier one left to do."""
    latest = (checkpoint.get("checkpoint") or {}).get("latest") or {}
    unfinished = any(each.get(mark) for each in resources(checkpoint) for mark in _UNFINISHED)
    return not unfinished and not latest.get("pending_operations")


def outputs(checkpoint: dict[str, Any], vault: Vault) -> dict[str, Output]:
    """What the stack exports, secrets opened. Raises VaultError."""
    for each in resources(checkpoint):
        if each["type"] == "pulumi:pulumi:Stack":
            return {name: _output(value, vault) for name, value in (each.get("outputs") or {}).items()}
    return {}


def _output(value: Any, vault: Vault) -> Output:
    return Output(opened(value, vault), secret=has_secret(value))


def _is_secret(value: Any) -> bool:
    return isinstance(value, dict) and value.get(_MARK) == _SECRET


def has_secret(value: Any) -> bool:
    """Whether a value of the checkpoint is sealed, or holds one that is."""
    if _is_secret(value):
        return True
    if isinstance(value, dict):
        return any(has_secret(each) for each in value.values())
    return isinstance(value, list) and any(has_secret(each) for each in value)


def opened(value: Any, vault: Vault) -> Any:
    """The value with everything sealed in it opened. Raises VaultError."""
    if _is_secret(value):
        return json.loads(vault.open(str(value["ciphertext"])))
    if isinstance(value, dict):
        return {key: opened(each, vault) for key, each in value.items()}
    if isinstance(value, list):
        return [opened(each, vault) for each in value]
    return value
