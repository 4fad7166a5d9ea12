"""`platform status`: what is installed and whether it works, read from the cluster and never from memory."""

from __future__ import annotations

import asyncio
from typing import Any

from components.contract import Component, ComponentSettings, ObjectRef
from infra.installation.home import Home
from infra.installation.record import Record, read_record
from infra.lifecycle import certificates
from infra.lifecycle.facts import chosen_components, public_url
from infra.profile.model import Profile
from infra.providers.kubernetes.client import Client, load_kubeconfig
from infra.providers.kubernetes.errors import PluginError
from infra.providers.kubernetes.readiness import READY, predicate

_SECONDS = 10.0


def urls(profile: Profile) -> dict[str, str]:
    """What a person opens in a browser or gives to a client."""
    base = public_url(profile)
    return {"console": f"{base}/", "mlflow": f"{base}/mlflow/", "api": f"{base}/api/v1/"}


def status_of(profile: Profile, home: Home) -> dict[str, Any]:
    """The shape of `status --json`: ready, components (name, version, ready, supply, reason), urls, certificates (name,
    ends, days_left; the first to end first), reason."""
    result: dict[str, Any] = {"ready": False, "components": [], "urls": {}, "certificates": [], "reason": ""}
    record = read_record(home)
    if not home.exists or not home.kubeconfig.exists():
        result["reason"] = f"Nothing is installed. Run: platform up{home.flag}"
        return result
    components = chosen_components(profile)
    states = asyncio.run(_states(home, components))
    for component, _ in components:
        reason = states[component.name]
        result["components"].append(
            {
                "name": component.name,
                "version": component.version,
                "ready": not reason,
                "supply": record.supply.get(component.name, profile.supply.mode),
                "reason": reason,
            }
        )
    result["urls"] = urls(profile)
    result["certificates"] = certificates.document(certificates.endings(profile, home))
    result["reason"] = _reason(home, record)
    result["ready"] = not result["reason"] and all(c["ready"] for c in result["components"])
    return result


def _reason(home: Home, record: Record) -> str:
    failed = [name for name, step in record.steps.items() if step.state == "failed"]
    if failed:
        error = record.steps[failed[0]].error or "no reason recorded"
        return f"The last `up` failed at {failed[0]}: {error} Go on with: platform up{home.flag}"
    if not record.installed:
        return f"The installation is not finished. Go on with: platform up{home.flag}"
    if record.broken:
        words = "; ".join(f"{name}: {reason}" for name, reason in sorted(record.broken.items()))
        return f"The last `up` could not install {words}. The rest works. Try again with: platform up{home.flag}"
    return ""


async def _states(home: Home, components: list[tuple[Component[Any], ComponentSettings]]) -> dict[str, str]:
    """Component → why it is not ready, empty where it is."""
    try:
        client = Client(load_kubeconfig(str(home.kubeconfig), None))
    except PluginError as error:
        return {component.name: str(error) for component, _ in components}
    try:
        async with asyncio.timeout(_SECONDS):
            states = await asyncio.gather(*(_state(client, component.ready(s)) for component, s in components))
    except TimeoutError:
        states = [f"The API server does not answer within {_SECONDS:.0f} s."] * len(components)
    finally:
        await client.aclose()
    return {component.name: state for (component, _), state in zip(components, states, strict=True)}


async def _state(client: Client, refs: tuple[ObjectRef, ...]) -> str:
    for ref in refs:
        try:
            kind = await client.kind(ref.api_version, ref.kind)
            obj = await client.get(kind, ref.namespace, ref.name)
        except PluginError as error:
            return str(error)
        if obj is None:
            return f"{ref.kind} {ref.name} is not there."
        judge = predicate(obj)
        found = judge(obj) if judge else READY
        if found.reason:
            return f"{ref.kind} {ref.name}: {found.reason}"
    return ""
