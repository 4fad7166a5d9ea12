"""What belongs to the platform: its objects in workspaces, the namespaces themselves, and its own bounds."""

from __future__ import annotations

from components.isolation.policies.model import CONTROLLER, PLATFORM, WORKSPACE_NAME, Match, Policy, Rule, quoted_list
from components.names import (
    ANNOTATION_SPEC_HASH,
    API_USER,
    CONTROL_PLANE_USER,
    DOMAIN,
    LABEL_GENERATION,
    LABEL_MANAGED_BY,
    LABEL_TENANT,
    LABEL_WORKSPACE,
    MANAGED_BY,
    SYSTEM_NAMESPACE,
)
from components.queueing.names import GROUP as QUEUES
from components.queueing.names import USER as QUEUEING_USER

_ALL = ("CREATE", "UPDATE", "DELETE")


def policies() -> tuple[Policy, ...]:
    """Objects of the platform, namespaces of workspaces, and where the control plane may write."""
    return (_owned(), _namespaces(), _control_plane())


def _owned() -> Policy:
    def ours(obj: str) -> str:
        label = f"{obj}.metadata.labels['{LABEL_MANAGED_BY}'] == '{MANAGED_BY}'"
        return (
            f"({obj} != null && has({obj}.metadata.labels) && '{LABEL_MANAGED_BY}' in {obj}.metadata.labels && {label})"
        )

    # Controllers may change and delete what is ours, but make look-alikes of it from a template no more than members
    # may. Only the endpoint controllers copy a Service's labels.
    endpoints = "request.userInfo.username.startsWith('system:serviceaccount:kube-system:endpoint')"
    exempt = f"({CONTROLLER} && (request.operation != 'CREATE' || {endpoints}))"
    # A StatefulSet's revisions have its annotations, and the labels of its template.
    revision = f"({CONTROLLER} && request.kind.group == 'apps' && request.kind.kind == 'ControllerRevision')"
    reserved = quoted_list((LABEL_GENERATION,))
    annotations = quoted_list((ANNOTATION_SPEC_HASH, f"{DOMAIN}/uid"))
    same = " && ".join(
        f"(!('{label}' in object.metadata.labels) || (has(namespaceObject.metadata.labels)"
        f" && '{label}' in namespaceObject.metadata.labels"
        f" && object.metadata.labels['{label}'] == namespaceObject.metadata.labels['{label}']))"
        for label in (LABEL_TENANT, LABEL_WORKSPACE)
    )
    return Policy(
        name="mlp-platform-objects",
        matches=(Match("*", ("*",), _ALL, version="*"),),
        conditions=(
            # Namespaces have a policy of their own, and no namespace around them to compare with.
            ("not-a-namespace", "request.kind.group != '' || request.kind.kind != 'Namespace'"),
            ("not-the-platform", f"!({PLATFORM})"),
            ("not-a-controller", f"!({exempt})"),
            # Kueue holds tenants' queues by a finalizer for as long as they are in use.
            (
                "not-kueue",
                f"!(request.userInfo.username == '{QUEUEING_USER}' && request.kind.group == '{QUEUES}')",
            ),
        ),
        rules=(
            Rule(
                "platform-objects",
                f"!{ours('oldObject')}",
                "this object belongs to the platform and follows the workspace's settings; change those instead",
            ),
            Rule(
                "platform-objects",
                f"!{ours('object')}",
                f"the label {LABEL_MANAGED_BY}={MANAGED_BY} marks the platform's own objects; leave it out",
            ),
            Rule(
                "platform-objects",
                f"object == null || !has(object.metadata.labels)"
                f" || (!object.metadata.labels.exists(k, k in {reserved}) && {same})",
                f"labels {LABEL_TENANT} and {LABEL_WORKSPACE} must be those of the namespace, and "
                f"{LABEL_GENERATION} is the platform's own",
            ),
            Rule(
                "platform-objects",
                f"object == null || !has(object.metadata.annotations) || {revision}"
                f" || !object.metadata.annotations.exists(k, k in {annotations})",
                "these annotations are the platform's own; leave them out",
            ),
        ),
    )


def _namespaces() -> Policy:
    def tenants(obj: str) -> str:
        labels = f"has({obj}.metadata.labels) && '{LABEL_TENANT}' in {obj}.metadata.labels"
        return f"({obj} != null && (({labels}) || {obj}.metadata.name.{WORKSPACE_NAME}))"

    return Policy(
        name="mlp-namespaces",
        matches=(
            Match("", ("namespaces", "namespaces/status", "namespaces/finalize"), _ALL),
        ),
        # A namespaceSelector would be asked about the new labels, so taking the label away would take the policy away.
        everywhere=True,
        conditions=(
            ("a-workspace", f"{tenants('object')} || {tenants('oldObject')}"),
            ("not-the-platform", f"!({PLATFORM}) && !({CONTROLLER})"),
        ),
        rules=(
            Rule(
                "namespaces",
                "false",
                "namespaces of workspaces are made, changed and deleted by the platform only; "
                "use its console or `platform workspace`",
            ),
        ),
    )  # fmt: skip


def _control_plane() -> Policy:
    """A stolen token of the control plane or its web application reaches workspaces, never the rest of the cluster."""
    account = f"request.userInfo.username in ['{CONTROL_PLANE_USER}', '{API_USER}']"
    return Policy(
        name="mlp-control-plane",
        matches=(Match("*", ("*",), _ALL, version="*"),),
        everywhere=True,
        conditions=(("the-control-plane", account),),
        variables=(
            ("place", "request.kind.kind == 'Namespace' && request.kind.group == '' ? request.name"
                      " : has(request.namespace) ? request.namespace : ''"),
        ),
        rules=(
            Rule(
                "control-plane",
                f"variables.place.{WORKSPACE_NAME} || variables.place == '{SYSTEM_NAMESPACE}'"
                " || variables.place == ''",
                f"the control plane writes in namespaces of workspaces and {SYSTEM_NAMESPACE} only",
            ),
            Rule(
                "control-plane",
                "request.kind.kind != 'Namespace' || request.kind.group != '' || object == null"
                f" || (has(object.metadata.labels) && '{LABEL_TENANT}' in object.metadata.labels)",
                "the control plane makes no namespace without a tenant",
            ),
        ),
    )  # fmt: skip
