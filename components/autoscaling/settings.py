"""Settings of nodes on demand. Which pools there are is the cloud's section of the profile."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from components.contract import ComponentSettings


class AutoscalingSettings(ComponentSettings):
    """When nodes go again."""

    idle_minutes: Annotated[int, Field(ge=1, le=1440)] = 10
    """How long a node stays once nothing but daemons runs on it."""
    node_days: Annotated[int, Field(ge=1, le=365)] = 30
    """How old a node gets before its pods are moved to a new one, which has the newest system image. Work that must not
    be moved bears the annotation `karpenter.sh/do-not-disrupt: "true"`; the node then stays until it is done."""
    replicas: Annotated[int, Field(ge=1, le=3)] = 2
    """Of Karpenter; one of them works, the others stand by."""
