"""What components ask of a cluster: processor, memory and volumes, read from their rendered objects. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

_SUFFIXES = {
    "m": Fraction(1, 1000),
    "k": Fraction(10**3),
    "M": Fraction(10**6),
    "G": Fraction(10**9),
    "T": Fraction(10**12),
    "Ki": Fraction(2**10),
    "Mi": Fraction(2**20),
    "Gi": Fraction(2**30),
    "Ti": Fraction(2**40),
}
_REPLICATED = frozenset({"Deployment", "StatefulSet"})


@dataclass(frozen=True)
class Requests:
    """What one component's pods ask for, all replicas together. Bytes for memory and volumes."""

    component: str
    pods: int
    cpu: float
    memory: int
    volumes: int


def requests(component: str, objects: Iterable[Mapping[str, Any]], nodes: int) -> Requests:
    """Sums over workloads that run for good; those of a DaemonSet run once on each of `nodes`."""
    pods = memory = volumes = 0
    cpu = Fraction(0)
    for each in objects:
        spec = each.get("spec") or {}
        kind = each.get("kind")
        if kind == "PersistentVolumeClaim":
            volumes += _storage(each)
        if kind not in _REPLICATED and kind != "DaemonSet":
            continue
        times = nodes if kind == "DaemonSet" else int(spec.get("replicas", 1))
        pods += times
        volumes += times * sum(_storage(claim) for claim in spec.get("volumeClaimTemplates") or ())
        for container in spec["template"]["spec"].get("containers") or ():
            wanted = (container.get("resources") or {}).get("requests") or {}
            cpu += times * quantity(wanted.get("cpu", "0"))
            memory += int(times * quantity(wanted.get("memory", "0")))
    return Requests(component, pods, float(cpu), memory, volumes)


def quantity(text: object) -> Fraction:
    """A Kubernetes quantity as a number of its base unit. Raises ValueError for anything else."""
    plain = str(text)
    for suffix in sorted(_SUFFIXES, key=len, reverse=True):
        if plain.endswith(suffix):
            return Fraction(plain.removesuffix(suffix)) * _SUFFIXES[suffix]
    return Fraction(plain)


def _storage(claim: Mapping[str, Any]) -> int:
    return int(quantity(claim["spec"]["resources"]["requests"]["storage"]))
