"""Which job, notebook or workflow a pod belongs to, told from the labels that their controllers put on it. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

_OPERATOR = "training.kubeflow.org/operator-name"
_OPERATORS = {
    "tfjob-controller": "TFJob",
    "pytorchjob-controller": "PyTorchJob",
    "mpijob-controller": "MPIJob",
    "xgboostjob-controller": "XGBoostJob",
    "paddlejob-controller": "PaddleJob",
    "jaxjob-controller": "JAXJob",
}
_TRIAL, _EXPERIMENT = "katib.kubeflow.org/trial", "katib.kubeflow.org/experiment"
_NOTEBOOK, _NOTEBOOK_SERVER = "hub.jupyter.org/username", "hub.jupyter.org/servername"
_TRAINING_JOB = "training.kubeflow.org/job-name"
_GIT_COMMIT = "mlp.io/git-commit"

_NAMED: tuple[tuple[str, str], ...] = (
    ("workflows.argoproj.io/workflow", "Workflow"),
    ("jobset.sigs.k8s.io/jobset-name", "TrainJob"),
    ("serving.kserve.io/inferenceservice", "InferenceService"),
    ("batch.kubernetes.io/job-name", "Job"),
)
"""Labels whose value is the name of an object of this kind, the outer ones first: a JobSet is made of Jobs. Trainer
gives its JobSets the name of the TrainJob."""


@dataclass(frozen=True)
class Origin:
    """What a person started. `experiment` is Katib's, of a Trial."""

    kind: str
    name: str
    experiment: str = ""


def parse_labels(text: str) -> dict[str, str]:
    """The file that the downward API makes of labels: a line `key="value"` each. What can't be read is left out."""
    labels = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        try:
            read = json.loads(value) if equals else None
        except ValueError:
            continue
        if isinstance(read, str):
            labels[key] = read
    return labels


def origin_of(labels: Mapping[str, str], pod: str) -> Origin:
    """The outermost thing that the labels name; the pod itself where they name none."""
    if labels.get(_TRIAL):
        return Origin("Trial", labels[_TRIAL], labels.get(_EXPERIMENT, ""))
    if labels.get(_NOTEBOOK):
        server = labels.get(_NOTEBOOK_SERVER)
        return Origin("Notebook", f"{labels[_NOTEBOOK]}/{server}" if server else labels[_NOTEBOOK])
    if labels.get(_TRAINING_JOB):
        return Origin(_OPERATORS.get(labels.get(_OPERATOR, ""), "Job"), labels[_TRAINING_JOB])
    for label, kind in _NAMED:
        if labels.get(label):
            return Origin(kind, labels[label])
    return Origin("Pod", pod)


def tags(labels: Mapping[str, str], pod: str, namespace: str, image: str) -> dict[str, str]:
    """Tags of a run. What is not known is left out, and nothing is said of what is no pod."""
    if not pod:
        return {}
    origin = origin_of(labels, pod)
    found = {
        "mlp.io/origin-kind": origin.kind,
        "mlp.io/origin-name": origin.name,
        "mlp.io/origin-experiment": origin.experiment,
        "mlp.io/pod": pod,
        "mlp.io/namespace": namespace,
        "mlp.io/image": image,
        "mlp.io/user": labels.get(_NOTEBOOK, ""),
        "mlflow.source.git.commit": labels.get(_GIT_COMMIT, ""),
    }
    return {name: value for name, value in found.items() if value}
