"""What runs in a workspace, as values: kinds, states, and what is shown of each."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from controlplane.model import Command, Paging, View
from controlplane.workspaces.model import ShownCondition


class Group(StrEnum):
    """What people call it; a group holds one or more kinds."""

    NOTEBOOKS = "notebooks"
    JOBS = "jobs"
    EXPERIMENTS = "experiments"
    PIPELINES = "pipelines"
    ENDPOINTS = "endpoints"
    MODELS = "models"


class ContentKind(StrEnum):
    """The kind's name in the Kubernetes API, in lower case; `notebook` is a pod of the hub, `model` is MLflow's."""

    NOTEBOOK = "notebook"
    TRAINJOB = "trainjob"
    TFJOB = "tfjob"
    PYTORCHJOB = "pytorchjob"
    MPIJOB = "mpijob"
    JOB = "job"
    EXPERIMENT = "experiment"
    WORKFLOW = "workflow"
    CRONWORKFLOW = "cronworkflow"
    WORKFLOWTEMPLATE = "workflowtemplate"
    INFERENCESERVICE = "inferenceservice"
    MODEL = "model"


ParameterName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", max_length=128)]
ParameterValue = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=65_536)]


class ContentState(StrEnum):
    """One set of states for all kinds."""

    WAITING = "waiting"
    """In a queue, until the tenant has room."""
    STARTING = "starting"
    RUNNING = "running"
    """Working; an endpoint answers, a schedule is active."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPED = "stopped"
    """By somebody; it can be resumed."""
    ENDING = "ending"
    """Being deleted."""
    REGISTERED = "registered"
    """A model or a template: it is kept, nothing of it runs here."""


class ContentAction(StrEnum):
    STOP = "stop"
    """Free what it uses; it can be resumed where the kind knows that."""
    RESUME = "resume"
    START = "start"
    """Make a workflow of it: of a template, of a schedule before its time, of a workflow that ended once more."""
    DELETE = "delete"


class QueueState(View):
    """Where a job stands in the tenant's queue."""

    queue: str
    admitted: bool
    """Whether it has room reserved."""
    reason: str
    """Why it has not, in words; empty where it has."""
    since: datetime | None


class Content(View):
    kind: ContentKind
    group: Group
    name: str
    state: ContentState
    reason: str
    """Why it waits, stopped or failed, in words; empty where nothing needs explaining."""
    progress: str
    """How far it is, such as `3 of 10 trials`; of a canary its share; empty where the kind has no measure."""
    owner: str | None
    """Account name, where the kind belongs to a person."""
    queue: QueueState | None
    actions: tuple[ContentAction, ...]
    """What can be done with it in this state; whether the caller may is another question."""
    url: str | None
    """Address on the platform where it is used: of a notebook, for its owner alone; of an endpoint; of a model in
    MLflow."""
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class Absent(View):
    """A kind that is not shown, with the reason."""

    kind: ContentKind
    reason: str


class Contents(View):
    """Newest first. `next` is the cursor of the following page; None at the end."""

    items: tuple[Content, ...]
    next: str | None
    absent: tuple[Absent, ...]


class ContentPod(View):
    name: str
    phase: str
    """Pending, Running, Succeeded, Failed or Unknown, as Kubernetes says."""
    reason: str
    """What keeps it from running, or why it ended badly; empty otherwise."""
    node: str | None
    restarts: int
    containers: tuple[str, ...]
    started_at: datetime | None


class Part(View):
    """A trial of an experiment or a step of a pipeline."""

    name: str
    state: ContentState
    detail: str
    """Parameters and metric of a trial, message of a step."""
    started_at: datetime | None
    ended_at: datetime | None
    pod: str | None = None
    """Where a step's log is read; None where there is no pod, or no more."""


class Step(View):
    """A box of a pipeline's graph. Attempts of one step are one box."""

    id: str
    name: str
    state: ContentState
    note: str
    """What the state does not say: that it was left out, how often it was tried; mostly empty."""
    pod: str | None
    """Of the last attempt; None where there is no pod, or no more."""
    started_at: datetime | None
    ended_at: datetime | None


class StepGraph(View):
    """What a workflow has come to so far: Argo notes a step when it is reached."""

    steps: tuple[Step, ...]
    joints: tuple[str, ...]
    """Ids in `edges` that are no steps: everything that leads to one comes before everything it leads to."""
    edges: tuple[tuple[str, str], ...]
    """Pairs of ids: the second begins after the first."""
    total: int
    """How many steps there are; more than `steps` where the graph would be too large to read."""


class Parameter(View):
    """Something that a start can be given."""

    name: str
    value: str | None
    """What it is when nothing is given; None where something must be."""
    description: str
    options: tuple[str, ...]
    """The only values it may have; empty where it may have any."""
    looked_up: bool
    """Whether the cluster finds a value itself where none is given."""


class Output(View):
    """Something that came out of a workflow."""

    step: str
    """The step's name; empty: of the workflow as a whole."""
    name: str
    value: str | None
    """Of a parameter; None for an artifact."""
    place: str
    """Where an artifact lies, such as `s3://ws-acme--dev/pipelines/nightly/model.tgz`; empty for a parameter."""


class ContentEvent(View):
    """One event of Kubernetes about it or its pods."""

    about: str
    """Such as `Pod/train-0`."""
    reason: str
    message: str
    warning: bool
    count: int
    at: datetime | None


class Source(View):
    """What a workflow was made of; it may be gone."""

    kind: ContentKind
    name: str


class ContentDetail(View):
    content: Content
    conditions: tuple[ShownCondition, ...]
    parts: tuple[Part, ...]
    pods: tuple[ContentPod, ...]
    events: tuple[ContentEvent, ...]
    """Newest first, at most 30."""
    graph: StepGraph | None
    """Of a workflow that has steps."""
    parameters: tuple[Parameter, ...]
    """What a start can be given; of a workflow, what it was given."""
    outputs: tuple[Output, ...]
    """At most 200."""
    source: Source | None
    """Of a workflow that was run again, or made of a schedule or a template; None for others."""
    runs: tuple[Content, ...]
    """Workflows of a schedule or a template, newest first, at most 10."""
    next_at: datetime | None
    """When a schedule starts one; None where it starts none."""


class ContentStart(Command):
    parameters: dict[ParameterName, ParameterValue] = Field(default_factory=dict, max_length=200)
    """Values by name; what is left out has its default."""


class LogLine(View):
    at: datetime | None
    text: str


class Logs(View):
    pod: str | None
    """None where there is no pod to read from."""
    container: str | None
    lines: tuple[LogLine, ...]
    note: str
    """Why there are no lines; empty where there are."""


ObjectName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$", max_length=253)]
"""A Kubernetes object's name."""
ContentName = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f/]+$", max_length=253)]
"""Of an object, or of a registered model, which MLflow lets have almost any name."""


class ContentQuery(Paging):
    kind: ContentKind | None = None
    group: Group | None = None
    state: ContentState | None = None


class LogQuery(Command):
    tail: Annotated[int, Field(ge=1, le=5000)] = 200
    pod: ObjectName | None = None
    """One of its pods; by default the one that tells most: a failed one, else the newest."""
    container: ObjectName | None = None
