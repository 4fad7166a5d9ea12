"""Whether objects are still as they were applied, without the engine: as the plugin's `read` finds out, in one go."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from infra.providers.kubernetes import rules
from infra.providers.kubernetes.client import Client, load_kubeconfig
from infra.providers.kubernetes.errors import KindUnknown


@dataclass(frozen=True)
class Applied:
    """One object: its id in the state (`namespace/name` or `name`), and the inputs it was applied with, complete."""

    identity: str
    inputs: Mapping[str, Any]


def drifted(kubeconfig: str, objects: Iterable[Applied]) -> bool:
    """Whether somebody changed or removed one of them. Raises PluginError where the cluster does not answer."""
    return asyncio.run(_any_drifted(kubeconfig, tuple(objects)))


async def _any_drifted(kubeconfig: str, objects: tuple[Applied, ...]) -> bool:
    client = Client(load_kubeconfig(kubeconfig, None))
    try:
        return any(await asyncio.gather(*(_drifted(client, each) for each in objects)))
    finally:
        await client.aclose()


async def _drifted(client: Client, applied: Applied) -> bool:
    namespace, _, name = applied.identity.rpartition("/")
    inputs = dict(applied.inputs)
    try:
        kind = await client.kind(str(inputs["apiVersion"]), str(inputs["kind"]))
    except KindUnknown:
        return True
    live = await client.get(kind, namespace or None, name)
    if live is None or live["metadata"].get("deletionTimestamp"):
        return True
    return bool(rules.compare(inputs, rules.seen_as_inputs(inputs, live)))
