"""Every kind that a workspace may hold: where it lives in the Kubernetes API, and how it is read. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from components.contract import KubernetesObject
from components.serving.names import ANNOTATION_ASLEEP, ANNOTATION_HELD, ANNOTATION_STOP
from controlplane.contents.model import ContentKind, ContentState, Group
from controlplane.contents.reading import endpoints, experiments, fields, jobs, notebooks, pipelines
from controlplane.contents.reading.status import Status
from controlplane.kube.resources import POD, Resource

_NOT_BY_A_PERSON = {ANNOTATION_ASLEEP: None, ANNOTATION_HELD: None}
"""Marks of an endpoint that the platform stopped; they go as soon as a person decides."""
_ENDED = frozenset({ContentState.SUCCEEDED, ContentState.FAILED})
Patch = Mapping[str, Any]
"""A JSON merge patch."""


def _names(obj: KubernetesObject) -> Iterable[str]:
    return (fields.name(obj),)


@dataclass(frozen=True, kw_only=True)
class Kind:
    kind: ContentKind
    group: Group
    resource: Resource
    component: str
    """Of the installation that serves it; empty for kinds that every cluster has."""
    read: Callable[[KubernetesObject], Status]
    pod_label: str = ""
    """Label whose value on its pods is its name; empty: it is a pod itself, or has none of its own."""
    stop: Patch | None = None
    resume: Patch | None = None
    stop_deletes: bool = False
    """Stopping it means deleting its object; whoever made it starts it again."""
    queued: bool = False
    """Whether Kueue may hold it in a queue. Then it is stopped there: Kueue starts what only its owner suspended."""
    about: Callable[[KubernetesObject], Iterable[str]] = _names
    """Names of objects whose events speak of it: itself, and what it makes."""
    prefix: str | None = None
    """Names that begin with `<its name>-<prefix>` speak of it as well."""
    start_in: frozenset[ContentState] = frozenset()
    """States in which a workflow can be made of it."""
    can_start: Callable[[KubernetesObject], bool] = bool
    """Whether one can be made of this very object, whatever its state."""
    children: bool = False
    """Whether jobs that it makes, named `<its name>-…`, wait in the queue in its stead."""


def _suspended(value: bool) -> Patch:
    return {"spec": {"suspend": value}}


def _policy(value: bool) -> Patch:
    return {"spec": {"runPolicy": {"suspend": value}}}


def _operator_job(kind: ContentKind, name: str, plural: str) -> Kind:
    return Kind(
        kind=kind, group=Group.JOBS, resource=Resource("kubeflow.org/v1", name, plural), component="training",
        read=jobs.operator_job, pod_label="training.kubeflow.org/job-name", stop=_policy(True),
        resume=_policy(False), queued=True,
    )  # fmt: skip


_ALL = (
    Kind(
        kind=ContentKind.NOTEBOOK, group=Group.NOTEBOOKS, resource=POD, component="notebooks", read=notebooks.notebook,
        stop_deletes=True,
    ),
    Kind(
        kind=ContentKind.TRAINJOB, group=Group.JOBS, component="training",
        resource=Resource("trainer.kubeflow.org/v1alpha1", "TrainJob", "trainjobs"), read=jobs.trainjob,
        pod_label="jobset.sigs.k8s.io/jobset-name", stop=_suspended(True), resume=_suspended(False), queued=True,
        about=jobs.trainjob_children,
    ),
    _operator_job(ContentKind.TFJOB, "TFJob", "tfjobs"),
    _operator_job(ContentKind.PYTORCHJOB, "PyTorchJob", "pytorchjobs"),
    _operator_job(ContentKind.MPIJOB, "MPIJob", "mpijobs"),
    Kind(
        kind=ContentKind.JOB, group=Group.JOBS, resource=Resource("batch/v1", "Job", "jobs"), component="",
        read=jobs.batch_job, pod_label="batch.kubernetes.io/job-name", stop=_suspended(True), resume=_suspended(False),
        queued=True,
    ),
    Kind(
        kind=ContentKind.EXPERIMENT, group=Group.EXPERIMENTS, component="tuning",
        resource=Resource("kubeflow.org/v1beta1", "Experiment", "experiments"), read=experiments.experiment,
        pod_label=experiments.EXPERIMENT_LABEL, children=True,
    ),
    Kind(
        kind=ContentKind.WORKFLOW, group=Group.PIPELINES, component="pipelines",
        resource=Resource("argoproj.io/v1alpha1", "Workflow", "workflows"), read=pipelines.workflow,
        pod_label=pipelines.WORKFLOW_LABEL, stop=_suspended(True), resume={"spec": {"suspend": None}},
        start_in=_ENDED,
    ),
    Kind(
        kind=ContentKind.CRONWORKFLOW, group=Group.PIPELINES, component="pipelines",
        resource=Resource("argoproj.io/v1alpha1", "CronWorkflow", "cronworkflows"), read=pipelines.schedule,
        stop=_suspended(True), resume=_suspended(False), start_in=_ENDED | {ContentState.RUNNING, ContentState.STOPPED},
    ),
    Kind(
        kind=ContentKind.WORKFLOWTEMPLATE, group=Group.PIPELINES, component="pipelines", read=pipelines.template,
        resource=Resource("argoproj.io/v1alpha1", "WorkflowTemplate", "workflowtemplates"),
        start_in=frozenset({ContentState.REGISTERED}), can_start=pipelines.can_run,
    ),
    Kind(
        kind=ContentKind.INFERENCESERVICE, group=Group.ENDPOINTS, component="serving",
        resource=Resource("serving.kserve.io/v1beta1", "InferenceService", "inferenceservices"),
        read=endpoints.inference_service, pod_label="serving.kserve.io/inferenceservice", prefix="predictor",
        stop={"metadata": {"annotations": {**_NOT_BY_A_PERSON, ANNOTATION_STOP: "true"}}},
        resume={"metadata": {"annotations": {**_NOT_BY_A_PERSON, ANNOTATION_STOP: None}}},
    ),
)  # fmt: skip
KINDS: Mapping[ContentKind, Kind] = {kind.kind: kind for kind in _ALL}
"""All but models, which live in MLflow."""
TRIAL = Resource("kubeflow.org/v1beta1", "Trial", "trials")
EVENT = Resource("v1", "Event", "events")
WORKLOADS = (
    Resource("kueue.x-k8s.io/v1beta2", "Workload", "workloads"),
    Resource("kueue.x-k8s.io/v1beta1", "Workload", "workloads"),
)
"""The queue's own view of jobs, newest API version first."""


def is_own(kind: Kind, obj: KubernetesObject) -> bool:
    """Whether an object of the kind's resource is one of them: notebooks among pods, nothing made by a controller."""
    if kind.kind is ContentKind.NOTEBOOK:
        return notebooks.is_notebook(obj)
    return not fields.controlled(obj) or kind.kind is ContentKind.WORKFLOW
