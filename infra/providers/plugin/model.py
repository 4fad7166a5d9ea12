"""What a provider and the server that serves it agree on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from infra.providers.plugin.values import Properties

Log = Callable[[str, str, str, bool], Awaitable[None]]
"""(urn, severity, text, ephemeral): shows a text at a resource in the engine's progress. Severities are `debug`,
`info`, `warning` and `error`; an ephemeral text is replaced by the next one."""


class InitFailed(Exception):
    """The real thing exists, whole or in part, but is not ready; the engine keeps it with the reason, and updates it
    at the next run."""

    def __init__(self, resource_id: str, properties: Properties, inputs: Properties, reason: str) -> None:
        super().__init__(reason)
        self.resource_id, self.properties, self.inputs = resource_id, properties, inputs
        self.reasons = (reason,)
