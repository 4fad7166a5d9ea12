"""What components ask for: replicas, nodes, volumes, quantities."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from infra.plan.requests import Requests, quantity, requests


def workload(kind: str, cpu: str, memory: str, **spec: Any) -> dict[str, Any]:
    container = {"name": "c", "resources": {"requests": {"cpu": cpu, "memory": memory}}}
    return {"kind": kind, "spec": {"template": {"spec": {"containers": [container, {"name": "bare"}]}}, **spec}}


def claim(storage: str) -> dict[str, Any]:
    return {"kind": "PersistentVolumeClaim", "spec": {"resources": {"requests": {"storage": storage}}}}


def test_replicas_count_and_a_daemon_runs_on_every_node() -> None:
    objects = [
        workload("Deployment", "250m", "256Mi", replicas=2),
        workload("DaemonSet", "50m", "64Mi"),
        workload("StatefulSet", "1", "1Gi", volumeClaimTemplates=[claim("8Gi")], replicas=2),
        workload("Job", "4", "4Gi"),
        claim("1Gi"),
        {"kind": "Service", "spec": {}},
    ]
    assert requests("c", objects, nodes=3) == Requests(
        "c", pods=7, cpu=2.65, memory=(512 + 192 + 2048) * 2**20, volumes=17 * 2**30
    )


def test_quantities_of_every_suffix() -> None:
    assert [quantity(text) for text in ("1", "250m", "1.5", "2k", "1Ki", "1.5Gi", 3)] == [
        1,
        Fraction(1, 4),
        Fraction(3, 2),
        2000,
        1024,
        Fraction(3, 2) * 2**30,
        3,
    ]
    with pytest.raises(ValueError, match="Invalid literal"):
        quantity("much")
