"""What the web application reaches outside of the database. A part is None where a process has no way to it."""

from __future__ import annotations

from dataclasses import dataclass

from controlplane.contents.cluster import Cluster
from controlplane.tracking.client import Tracking


@dataclass(frozen=True)
class Outside:
    cluster: Cluster | None = None
    tracking: Tracking | None = None
