"""What a start can be given, what is wrong with it, and the workflow it makes."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

from controlplane.contents import starting
from controlplane.contents.model import ContentKind, Parameter, Source
from controlplane.contents.reading import arguments, pipelines

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
TEMPLATE: dict[str, Any] = {
    "metadata": {"name": "train", "namespace": "ws-a--b"},
    "spec": {
        "entrypoint": "main",
        "arguments": {"parameters": [
            {"name": "rate", "value": 0.1, "description": "Learning rate."},
            {"name": "model", "default": "small", "enum": ["small", "large"]},
            {"name": "data"},
            {"name": "region", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}},
        ]},
    },
}  # fmt: skip
SCHEDULE: dict[str, Any] = {
    "metadata": {"name": "nightly", "namespace": "ws-a--b", "uid": "u-1"},
    "spec": {
        "schedules": ["0 3 * * *"], "workflowMetadata": {"labels": {"team": "x"}, "annotations": {"n": "1"}},
        "workflowSpec": {
            "workflowTemplateRef": {"name": "train"},
            "arguments": {"parameters": [{"name": "data", "value": "s3://x"}], "artifacts": [{"name": "seed"}]},
        },
    },
}  # fmt: skip
ENDED: dict[str, Any] = {
    "metadata": {
        "name": "nightly-x2", "generateName": "nightly-", "namespace": "ws-a--b",
        "labels": {"team": "x", "workflows.argoproj.io/phase": "Failed", "workflows.argoproj.io/completed": "true"},
        "annotations": {"n": "1", starting.START: "old"},
        "ownerReferences": [{"kind": "CronWorkflow", "name": "nightly", "uid": "u", "blockOwnerDeletion": True}],
    },
    "spec": {
        "entrypoint": "main", "templates": [{"name": "main"}], "shutdown": "Stop", "activeDeadlineSeconds": 0,
        "suspend": True, "arguments": {"parameters": [{"name": "rate", "value": "0.2", "enum": ["0.1", "0.2"]}]},
    },
    "status": {"phase": "Failed"},
}  # fmt: skip


def make(kind: ContentKind, obj: dict[str, Any], template: Any = None, **given: str) -> dict[str, Any]:
    before = copy.deepcopy(obj)
    known = starting.asked(kind, obj, template)
    made: dict[str, Any] = starting.workflow(kind, obj, known, given, suffix="abcde", mark="m", now=NOW)
    assert obj == before
    return made


def values(made: dict[str, Any]) -> dict[str, Any]:
    return {each["name"]: each.get("value") for each in made["spec"]["arguments"]["parameters"]}


def test_parameters_with_their_defaults_choices_and_help() -> None:
    found = starting.asked(ContentKind.WORKFLOWTEMPLATE, TEMPLATE, None)
    assert found[:2] == (
        Parameter(name="rate", value="0.1", description="Learning rate.", options=(), looked_up=False),
        Parameter(name="model", value="small", description="", options=("small", "large"), looked_up=False),
    )
    assert [(p.value, p.looked_up) for p in found[2:]] == [(None, False), (None, True)]
    merged = starting.asked(ContentKind.CRONWORKFLOW, SCHEDULE, TEMPLATE)
    assert {p.name: p.value for p in merged} == {"rate": "0.1", "model": "small", "data": "s3://x", "region": None}
    assert [p.options for p in merged if p.name == "model"] == [("small", "large")]


def test_values_are_read_as_argo_reads_them() -> None:
    said = [arguments.text(each) for each in ("x", "", 3, 0.00001, 100.0, 1e21, True, None, {"a": 1})]
    assert said == ["x", "", "3", "0.00001", "100", "1000000000000000000000", "true", None, None]


def test_everything_that_is_wrong_is_said_at_once() -> None:
    known = starting.asked(ContentKind.WORKFLOWTEMPLATE, TEMPLATE, None)
    found = starting.findings(known, {"model": "huge", "lr": "1"})
    assert [(f.pointer, f.message) for f in found] == [
        ("body.parameters.model", "must be one of small, large"),
        ("body.parameters.data", "is missing; it has no default"),
        ("body.parameters.lr", "is no parameter of it; it has rate, model, data, region"),
    ]
    assert starting.findings(known, {"data": ""}) == []
    assert starting.findings((), {"a": "b"})[0].message == "is no parameter of it; it has none"


def test_of_a_template_comes_a_reference_with_every_value_written_down() -> None:
    made = make(ContentKind.WORKFLOWTEMPLATE, TEMPLATE, data="s3://y")
    assert made["spec"]["workflowTemplateRef"] == {"name": "train"}
    assert values(made) == {"rate": "0.1", "model": "small", "data": "s3://y"}, "the cluster looks the region up"
    assert made["metadata"]["labels"] == {"workflows.argoproj.io/workflow-template": "train"}
    assert (made["metadata"]["name"], made["metadata"]["namespace"]) == ("train-abcde", "ws-a--b")
    assert made["metadata"]["annotations"] == {starting.START: "m"}
    assert pipelines.made_of(made, ContentKind.WORKFLOWTEMPLATE, "train")
    assert pipelines.source(made) == Source(kind=ContentKind.WORKFLOWTEMPLATE, name="train")


def test_of_a_schedule_comes_one_of_its_own() -> None:
    made = make(ContentKind.CRONWORKFLOW, SCHEDULE, TEMPLATE, rate="0.5")
    assert values(made) == {"rate": "0.5", "model": "small", "data": "s3://x"}
    assert made["spec"]["arguments"]["artifacts"] == [{"name": "seed"}]
    assert made["metadata"]["labels"] == {"team": "x", "workflows.argoproj.io/cron-workflow": "nightly"}
    assert made["metadata"]["annotations"]["workflows.argoproj.io/scheduled-time"] == "2026-01-02T03:04:05Z"
    assert [(o["kind"], o["uid"], o["controller"]) for o in made["metadata"]["ownerReferences"]] == [
        ("CronWorkflow", "u-1", True)
    ]
    assert pipelines.made_of(made, ContentKind.CRONWORKFLOW, "nightly")
    assert pipelines.source(made) == Source(kind=ContentKind.CRONWORKFLOW, name="nightly")


def test_again_is_a_new_one_of_the_same_spec() -> None:
    made = make(ContentKind.WORKFLOW, ENDED)
    assert made["spec"] == {
        "entrypoint": "main", "templates": [{"name": "main"}],
        "arguments": {"parameters": [{"name": "rate", "value": "0.2", "enum": ["0.1", "0.2"]}]},
    }  # fmt: skip
    assert made["metadata"]["name"] == "nightly-abcde", "names do not grow"
    assert made["metadata"]["labels"] == {
        "team": "x", "workflows.argoproj.io/resubmitted-from-workflow": "nightly-x2",
    }  # fmt: skip
    assert made["metadata"]["annotations"] == {"n": "1", starting.START: "m"}
    assert made["metadata"]["ownerReferences"] == [{"kind": "CronWorkflow", "name": "nightly", "uid": "u"}]
    assert "status" not in made
    assert pipelines.source(made) == Source(kind=ContentKind.WORKFLOW, name="nightly-x2")
    assert pipelines.source(ENDED) is None


def test_long_names_stay_labels() -> None:
    long = {"metadata": {"name": "a" * 80, "namespace": "n"}, "spec": {"entrypoint": "main"}}
    for kind in (ContentKind.WORKFLOWTEMPLATE, ContentKind.CRONWORKFLOW, ContentKind.WORKFLOW):
        meta = make(kind, long)["metadata"]
        assert len(meta["name"]) == 63
        assert all(len(value) <= 63 for value in meta["labels"].values())


def test_whose_template_it_is() -> None:
    assert starting.template_name(ContentKind.CRONWORKFLOW, SCHEDULE) == "train"
    assert starting.template_name(ContentKind.WORKFLOW, ENDED) == ""
    clusters = {"spec": {"workflowTemplateRef": {"name": "x", "clusterScope": True}}}
    assert starting.template_name(ContentKind.WORKFLOW, clusters) == ""


def test_outputs_say_where_they_lie() -> None:
    logs = {"name": "main-logs", "s3": {"key": "pipelines/w/a/main.log"}}
    obj = {
        "status": {
            "outputs": {"parameters": [{"name": "accuracy", "value": 0.9}]},
            "artifactRepositoryRef": {"artifactRepository": {"s3": {"bucket": "ws-a--b"}}},
            "nodes": {
                "a": {"type": "Pod", "displayName": "fit", "outputs": {
                    "artifacts": [logs, {"name": "model", "gcs": {"bucket": "other", "key": "m"}},
                                  {"name": "blob", "azure": {"container": "c", "blob": "b"}}],
                    "parameters": [{"name": "n", "value": "1"}]}},
                "g": {"type": "DAG", "displayName": "all", "outputs": {"parameters": [{"name": "n", "value": "1"}]}},
            },
        }
    }  # fmt: skip
    assert [(o.step, o.name, o.value, o.place) for o in arguments.outputs(obj)] == [
        ("", "accuracy", "0.9", ""), ("fit", "n", "1", ""), ("fit", "model", None, "gs://other/m"),
        ("fit", "blob", None, "az://c/b"), ("fit", "main-logs", None, "s3://ws-a--b/pipelines/w/a/main.log"),
    ]  # fmt: skip
