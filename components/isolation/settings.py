"""Settings of the isolation rules."""

from __future__ import annotations

from components.contract import ComponentSettings


class IsolationSettings(ComponentSettings):
    """What workspaces may name beyond the platform's own. Everything else is refused."""

    registries: tuple[str, ...] = ()
    """More image prefixes than the platform's registry; each ends in `/`."""
    priority_classes: tuple[str, ...] = ()
    """More PriorityClasses. A cluster with a default class of its own must list it: pods get that one unasked."""
    storage_classes: tuple[str, ...] = ()
    """More StorageClasses."""
    tolerations: tuple[str, ...] = ()
    """Keys of taints that workspaces may tolerate, beside those of GPU classes."""
