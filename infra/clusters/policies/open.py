"""When an address range or a rule lets everybody in. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from infra.clusters.policies.model import Check

_EVERYBODY = frozenset({"*", "internet", "any", "0.0.0.0/0", "::/0"})
_WIDE = 8
"""Ranges with a shorter prefix are the whole internet in pieces."""


def is_open(value: Any) -> bool:
    """Whether this address range (or list of them) holds everybody. Azure's and Google's words for it count."""
    if isinstance(value, list):
        return any(is_open(each) for each in value)
    if not isinstance(value, str):
        return False
    if value.lower() in _EVERYBODY:
        return True
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        return False
    return network.version == 4 and network.prefixlen < _WIDE


def _open_rule(value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    inbound = value.get("direction") == "Inbound" and value.get("access") == "Allow"
    return inbound and (is_open(value.get("sourceAddressPrefix")) or is_open(value.get("sourceAddressPrefixes")))


no_open_range = Check(lambda value: not is_open(value), "must not be open to everybody")
closed_ranges = Check(
    lambda value: bool(value) and not is_open(value), "must name the ranges that may come in, and not everybody"
)
no_open_rule = Check(lambda value: not _open_rule(value), "lets everybody in")
