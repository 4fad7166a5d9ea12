"""Waiting for objects to become ready or to go, by watching them. The words come from `readiness`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from infra.providers.kubernetes.client import Client, Kind
from infra.providers.kubernetes.errors import ApiError, NotReady, Unreachable
from infra.providers.kubernetes.readiness import (
    READY,
    State,
    Status,
    blocking_pods,
    endpoints_ready,
    needs_endpoints,
    pod_selector,
    predicate,
)

Obj = dict[str, Any]
Say = Callable[[str], Awaitable[None]]

_LOOK_AGAIN = 2.0
"""Seconds between looks at the pods (which are not watched) while a workload waits."""
_POD = Kind("v1", "Pod", "pods", namespaced=True)
_SLICE = Kind("discovery.k8s.io/v1", "EndpointSlice", "endpointslices", namespaced=True)
_CLASS = Kind("storage.k8s.io/v1", "StorageClass", "storageclasses", namespaced=False)


@dataclass(frozen=True)
class Wait:
    """What every wait needs. `cancelled` ends it early; `say` shows what it waits for."""

    client: Client
    kind: Kind
    timeout: float
    cancelled: asyncio.Event
    say: Say


async def until_ready(wait: Wait, obj: Obj) -> Obj:
    """The object as it was when it became ready. Raises NotReady with the reason of what blocks."""
    tells = predicate(obj)
    if tells is None or await _binds_later(wait.client, obj):
        return obj
    said = ""
    status, pods = READY, list[str]()
    deadline = time.monotonic() + wait.timeout
    async with aclosing(_versions(wait, obj, deadline)) as versions:
        async for version in versions:
            if version is None:
                raise NotReady("it was deleted while it was being waited for")
            obj = version
            status = await _status(wait.client, obj, tells)
            if status.state is State.READY:
                if said:
                    await wait.say("")
                return obj
            pods = await _blocking(wait.client, obj)
            if status.state is State.FAILED:
                break
            text = "; ".join([status.reason, *pods[:1]])
            if text != said:
                said = text
                await wait.say(text)
    if status.state is State.FAILED:
        raise NotReady(status.reason, (status.reason, *pods))
    why = "the run was cancelled" if wait.cancelled.is_set() else f"not ready after {wait.timeout:.0f} s"
    blocked = "; ".join([status.reason, *pods])
    raise NotReady(f"{why}: {blocked}", (status.reason, *pods))


async def until_gone(wait: Wait, obj: Obj) -> None:
    """Returns when the object, or at least this one of its name, is gone. Raises NotReady naming the finalizers."""
    uid = obj["metadata"].get("uid")
    deadline = time.monotonic() + wait.timeout
    said = ""
    async with aclosing(_versions(wait, obj, deadline)) as versions:
        async for version in versions:
            if version is None or version["metadata"].get("uid") != uid:
                return
            obj = version
            text = _holds(obj)
            if text != said:
                said = text
                await wait.say(text)
    why = "the run was cancelled" if wait.cancelled.is_set() else f"still there after {wait.timeout:.0f} s"
    raise NotReady(f"{why}: {_holds(obj)}", (_holds(obj),))


def _holds(obj: Obj) -> str:
    """What keeps a deleted object: its own finalizers, or what a namespace says of its content."""
    metadata = obj["metadata"]
    said = [
        str(entry.get("message"))
        for entry in obj.get("status", {}).get("conditions") or []
        if obj["kind"] == "Namespace" and entry.get("status") == "True" and entry.get("message")
    ]
    finalizers = ", ".join(metadata.get("finalizers") or obj.get("spec", {}).get("finalizers") or [])
    return "; ".join([f"waiting for finalizers {finalizers}" if finalizers else "waiting for its end", *said])


async def _versions(wait: Wait, obj: Obj, deadline: float) -> AsyncGenerator[Obj | None, None]:
    """The object as it is, then again at each change and at least every few seconds; None once it is gone.

    Ends at the deadline or on cancellation. A broken or expired watch is begun anew from a fresh read.
    """
    metadata = obj["metadata"]
    name, namespace = metadata["name"], metadata.get("namespace")
    while time.monotonic() < deadline and not wait.cancelled.is_set():
        current = await wait.client.get(wait.kind, namespace, name)
        yield current
        if current is None:
            return
        changes: asyncio.Queue[Obj | None] = asyncio.Queue()
        follower = asyncio.create_task(_follow(wait, current, changes))
        try:
            while time.monotonic() < deadline and not wait.cancelled.is_set():
                pause = min(_LOOK_AGAIN, max(0.0, deadline - time.monotonic()))
                changed, current = await _next(changes, wait.cancelled, pause)
                if not changed:
                    # Nothing came; look whether a change was missed.
                    current = await wait.client.get(wait.kind, namespace, name)
                yield current
                if current is None:
                    return
                if follower.done() and changes.empty():
                    break
        finally:
            follower.cancel()


async def _next(changes: asyncio.Queue[Obj | None], cancelled: asyncio.Event, pause: float) -> tuple[bool, Obj | None]:
    """(True, the next change), or (False, None) after the pause or on cancellation."""
    getting = asyncio.create_task(changes.get())
    stopping = asyncio.create_task(cancelled.wait())
    await asyncio.wait({getting, stopping}, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if getting.done():
        return True, getting.result()
    getting.cancel()
    return False, None


async def _follow(wait: Wait, obj: Obj, changes: asyncio.Queue[Obj | None]) -> None:
    metadata = obj["metadata"]
    events = wait.client.watch(wait.kind, metadata.get("namespace"), metadata["name"], metadata["resourceVersion"])
    try:
        async for kind, changed in events:
            if kind == "ERROR":
                return
            if kind == "DELETED":
                await changes.put(None)
                return
            await changes.put(changed)
    except (Unreachable, ApiError):
        return


async def _status(client: Client, obj: Obj, tells: Callable[[Obj], Status]) -> Status:
    status = tells(obj)
    if status.state is not State.READY or not needs_endpoints(obj):
        return status
    metadata = obj["metadata"]
    selector = f"kubernetes.io/service-name={metadata['name']}"
    return endpoints_ready(await client.list(_SLICE, metadata.get("namespace"), selector))


async def _blocking(client: Client, obj: Obj) -> list[str]:
    selector = pod_selector(obj)
    if selector is None:
        return []
    try:
        return blocking_pods(obj, await client.list(_POD, obj["metadata"].get("namespace"), selector))
    except ApiError:
        # Reading pods may not be allowed; the workload's own words must do then.
        return []


async def _binds_later(client: Client, obj: Obj) -> bool:
    """Whether a claim's class binds only when a pod uses it, so that waiting for it would never end."""
    if obj["kind"] != "PersistentVolumeClaim":
        return False
    name = obj["spec"].get("storageClassName")
    if not name:
        return False
    found = await client.get(_CLASS, None, name)
    return bool(found and found.get("volumeBindingMode") == "WaitForFirstConsumer")
