"""What the cluster has once: the kind of recurring runs, and the role that is bound in workspaces with an instance."""

from __future__ import annotations

from components import kubernetes as k8s
from components.contract import Install, KubernetesObject
from components.kubeflow_pipelines.names import NAME
from components.kubeflow_pipelines.rbac import INSTANCE_RULES
from components.kubeflow_pipelines.settings import KubeflowPipelinesSettings
from components.names import KUBEFLOW_PIPELINES_CLUSTER_ROLE


def objects(_: KubeflowPipelinesSettings, __: Install) -> tuple[KubernetesObject, ...]:
    """Cluster-wide objects only: nothing runs outside of workspaces."""
    role = k8s.obj(
        "rbac.authorization.k8s.io/v1", "ClusterRole", NAME, KUBEFLOW_PIPELINES_CLUSTER_ROLE, namespaced=False,
        rules=list(INSTANCE_RULES),
    )  # fmt: skip
    return (_scheduled_workflows(), role)


def _scheduled_workflows() -> KubernetesObject:
    """Read and written by the instances alone, whose release gives no schema of its content."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {
        "type": "object",
        "description": "A recurring run of Kubeflow Pipelines.",
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": anything,
            "status": anything,
        },
    }
    return k8s.obj(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        NAME,
        "scheduledworkflows.kubeflow.org",
        namespaced=False,
        spec={
            "group": "kubeflow.org",
            "scope": "Namespaced",
            "names": {
                "kind": "ScheduledWorkflow",
                "listKind": "ScheduledWorkflowList",
                "plural": "scheduledworkflows",
                "singular": "scheduledworkflow",
                "shortNames": ["swf"],
            },
            "versions": [
                {"name": "v1beta1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}},
            ],
        },
    )
