"""What the control plane's web application may change in a workspace: it stops, resumes and deletes what runs there."""

from __future__ import annotations

from components.isolation.policies.model import WORKSPACE_NAME, Match, Policy, Rule, quoted_list
from components.names import API_USER
from components.serving.names import ANNOTATION_ASLEEP, ANNOTATION_HELD, ANNOTATION_STOP

NOTEBOOK_LABEL = ("component", "singleuser-server")
"""By which JupyterHub marks the pods of notebook servers."""
_SWITCHES = ("suspend", "active", "runPolicy")
"""Fields of a spec that stop and resume: of jobs, of the queue's workloads, of the training operator's jobs."""


def policies() -> tuple[Policy, ...]:
    """A stolen token of the web application ends work; it changes none, and starts none of its own."""
    key, value = NOTEBOOK_LABEL
    labels = "oldObject.metadata.labels"
    notebook = f"has({labels}) && '{key}' in {labels} && {labels}['{key}'] == '{value}'"
    same_labels = _same("object.metadata", "oldObject.metadata", "labels")
    same_annotations = _same(
        "object.metadata", "oldObject.metadata", "annotations", ANNOTATION_STOP, ANNOTATION_ASLEEP, ANNOTATION_HELD
    )
    same_spec = _same("object", "oldObject", "spec", *_SWITCHES)
    same_policy = _same("object.spec", "oldObject.spec", "runPolicy", "suspend")
    return (
        Policy(
            name="mlp-web",
            matches=(Match("*", ("*",), ("CREATE", "UPDATE", "DELETE"), version="*"),),
            everywhere=True,
            conditions=(
                ("the-web-application", f"request.userInfo.username == '{API_USER}'"),
                # What it asks about tokens and rights belongs to no namespace.
                ("an-object", "has(request.namespace) && request.namespace != ''"),
            ),
            rules=(
                Rule("web", f"request.namespace.{WORKSPACE_NAME}", "the web application acts in workspaces only"),
                Rule("web", "request.operation != 'CREATE'", "the web application makes no objects"),
                Rule(
                    "web",
                    f"request.resource.resource != 'pods' || (request.operation == 'DELETE' && {notebook})",
                    "the web application ends no pods but those of notebooks",
                ),
                Rule(
                    "web",
                    f"request.operation != 'UPDATE' || ({same_labels} && {same_annotations} && {same_spec}"
                    f" && (!has(object.spec) || !has(oldObject.spec) || {same_policy}))",
                    "the web application changes nothing but what stops or resumes",
                ),
            ),
        ),
    )


def _same(new: str, old: str, field: str, *but: str) -> str:
    """Whether two objects agree in every entry of a field, absent or not, except for those named in `but`."""
    free = f"k in {quoted_list(but)}" if but else "false"

    def within(one: str, other: str) -> str:
        there = f"has({other}.{field}) && k in {other}.{field} && {other}.{field}[k] == {one}.{field}[k]"
        return f"(!has({one}.{field}) || {one}.{field}.all(k, {free} || ({there})))"

    return f"{within(new, old)} && {within(old, new)}"
