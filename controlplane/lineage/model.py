"""Where a model version comes from, and where it went: a typed graph."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import StringConstraints, model_validator

from controlplane.contents.model import ObjectName
from controlplane.model import Command, View
from controlplane.models.model import ModelName, Version


class NodeKind(StrEnum):
    ENDPOINT = "endpoint"
    MODEL_VERSION = "model-version"
    RUN = "run"
    DATASET = "dataset"
    CODE = "code"
    IMAGE = "image"
    NOTEBOOK = "notebook"
    JOB = "job"
    """Training or batch job; its name begins with the Kubernetes kind."""
    PIPELINE = "pipeline"
    TRIAL = "trial"
    EXPERIMENT = "experiment"
    """Katib's, of a trial."""
    POD = "pod"


class Relation(StrEnum):
    """Read from source to target: `endpoint serves model-version`."""

    SERVES = "serves"
    SPLITS_WITH = "splits calls with"
    """An endpoint and its canary, which answers a share of its calls."""
    MADE_BY = "made by"
    READ = "read"
    RAN_CODE = "ran code"
    RAN_IN = "ran in"
    STARTED_BY = "started by"
    PART_OF = "part of"


class FactGroup(StrEnum):
    GENERAL = "general"
    PARAMETER = "parameter"
    METRIC = "metric"


class Fact(View):
    group: FactGroup
    name: str
    value: str


class Node(View):
    id: str
    """Unique in the document."""
    kind: NodeKind
    name: str
    facts: tuple[Fact, ...]
    url: str | None
    """Its page on the platform."""
    present: bool
    """False where it is known by name only: it is gone, or was never seen."""


class Edge(View):
    source: str
    target: str
    relation: Relation


class Lineage(View):
    """`root` is the node that was asked about. Edges lead from what is served back to what it was made of."""

    root: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


RunId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class LineageQuery(Command):
    """Exactly one of `endpoint`, `model` with `version`, or `run`."""

    endpoint: ObjectName | None = None
    model: ModelName | None = None
    version: Version | None = None
    run: RunId | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        asked = [self.endpoint is not None, self.model is not None, self.run is not None]
        if sum(asked) != 1 or (self.model is None) != (self.version is None):
            raise ValueError("give one of: endpoint; model with version; run")
        return self
