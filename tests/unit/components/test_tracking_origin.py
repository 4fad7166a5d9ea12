"""What a run is tagged with, from the labels of the pod that it runs in."""

from __future__ import annotations

import pytest

from components.tracking.client.origin import Origin, origin_of, parse_labels, tags

_TRAINING = "training.kubeflow.org"
_TFJOB = {f"{_TRAINING}/operator-name": "tfjob-controller", f"{_TRAINING}/job-name": "mnist"}
_JOB = {"batch.kubernetes.io/job-name": "mnist-node-0"}
_TRIAL = {"katib.kubeflow.org/trial": "search-x1", "katib.kubeflow.org/experiment": "search"}


@pytest.mark.parametrize(
    ("labels", "origin"),
    [
        ({}, Origin("Pod", "pod-1")),
        ({"app": "x", "pod-template-hash": "1"}, Origin("Pod", "pod-1")),
        (_JOB, Origin("Job", "mnist-node-0")),
        (_JOB | {"jobset.sigs.k8s.io/jobset-name": "mnist"}, Origin("TrainJob", "mnist")),
        (_TFJOB, Origin("TFJob", "mnist")),
        (_TFJOB | {f"{_TRAINING}/operator-name": "pytorchjob-controller"}, Origin("PyTorchJob", "mnist")),
        (_TFJOB | {f"{_TRAINING}/operator-name": "mpijob-controller"}, Origin("MPIJob", "mnist")),
        (_TFJOB | {f"{_TRAINING}/operator-name": "new-controller"}, Origin("Job", "mnist")),
        (_JOB | _TRIAL, Origin("Trial", "search-x1", "search")),
        (_TFJOB | _TRIAL, Origin("Trial", "search-x1", "search")),
        ({"workflows.argoproj.io/workflow": "nightly-abc"}, Origin("Workflow", "nightly-abc")),
        ({"hub.jupyter.org/username": "ada"}, Origin("Notebook", "ada")),
        ({"hub.jupyter.org/username": "ada", "hub.jupyter.org/servername": ""}, Origin("Notebook", "ada")),
        ({"hub.jupyter.org/username": "ada", "hub.jupyter.org/servername": "gpu"}, Origin("Notebook", "ada/gpu")),
        ({"serving.kserve.io/inferenceservice": "iris"}, Origin("InferenceService", "iris")),
    ],
)
def test_the_outermost_controller_is_the_origin(labels: dict[str, str], origin: Origin) -> None:
    assert origin_of(labels, "pod-1") == origin


def test_labels_as_the_kubelet_writes_them() -> None:
    text = 'app="x"\nbatch.kubernetes.io/job-name="train"\nempty=""\nbroken\nhalf="\nnumber=1\n'
    assert parse_labels(text) == {"app": "x", "batch.kubernetes.io/job-name": "train", "empty": ""}


def test_what_is_not_known_is_left_out() -> None:
    assert tags({}, "", "ws-a--b", "image") == {}
    assert tags({}, "pod-1", "", "") == {
        "mlp.io/origin-kind": "Pod",
        "mlp.io/origin-name": "pod-1",
        "mlp.io/pod": "pod-1",
    }
    assert tags(_TFJOB | _TRIAL | {"mlp.io/git-commit": "abc123"}, "pod-1", "ws-a--b", "r/i:1") == {
        "mlp.io/origin-kind": "Trial",
        "mlp.io/origin-name": "search-x1",
        "mlp.io/origin-experiment": "search",
        "mlp.io/pod": "pod-1",
        "mlp.io/namespace": "ws-a--b",
        "mlp.io/image": "r/i:1",
        "mlflow.source.git.commit": "abc123",
    }
    assert tags({"hub.jupyter.org/username": "ada"}, "pod-1", "", "")["mlp.io/user"] == "ada"
