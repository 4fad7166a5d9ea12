"""Everything the component puts into the cluster, in the order in which it is applied."""

from __future__ import annotations

from components.admission import served
from components.contract import Install, KubernetesObject
from components.facts import PlatformFacts
from components.isolation.flow import flow_control
from components.isolation.policies import authority, ownership, people, pods, traffic, volumes, web
from components.isolation.policies.defaults import pod_defaults
from components.isolation.policies.model import Policy
from components.isolation.priorities import CLASSES, priority_classes
from components.isolation.rbac import WORKLOAD_CLUSTER_ROLE, cluster_roles
from components.isolation.settings import IsolationSettings
from components.kubeflow_pipelines import rbac as kubeflow_pipelines
from components.names import CLUSTER_ROLE, Role
from components.pipelines import rbac as pipelines
from components.queueing import rbac as queueing
from components.serving import rbac as serving
from components.tracking import rbac as tracking
from components.training import rbac as training
from components.tuning import rbac as tuning

_PARTS = (tracking, queueing, pipelines, kubeflow_pipelines, training, tuning, serving)
COMPONENT_RULES = {
    CLUSTER_ROLE[Role.VIEWER]: [rule for part in _PARTS for rule in part.VIEWER_RULES],
    CLUSTER_ROLE[Role.MEMBER]: [rule for part in _PARTS for rule in part.MEMBER_RULES],
    CLUSTER_ROLE[Role.ADMIN]: [rule for part in _PARTS for rule in part.ADMIN_RULES],
    WORKLOAD_CLUSTER_ROLE: [rule for part in _PARTS for rule in part.WORKLOAD_RULES],
}
"""What components ask RBAC about in a workspace. They stay when a component is off: then nobody asks."""


_SPOT = {
    "aws": ("mlp.io/spot",),
    "gcp": ("cloud.google.com/gke-spot",),
    "azure": ("kubernetes.azure.com/scalesetpriority",),
}
"""Keys of the taints of nodes that the cloud may take back."""


def policies(settings: IsolationSettings, facts: PlatformFacts) -> tuple[Policy, ...]:
    """The admission policies of an installation."""
    rules = pods.PodRules(
        registries=(facts.registry, *settings.registries),
        priority_classes=(*CLASSES, *settings.priority_classes),
        tolerations=(*facts.gpu_classes, *_SPOT.get(facts.target, ()), *settings.tolerations),
    )
    classes = tuple(name for name in (facts.storage_class, *settings.storage_classes) if name)
    return (
        *ownership.policies(),
        *web.policies(),
        *authority.policies(),
        *people.policies(),
        *traffic.policies(),
        *volumes.policies(classes),
        *pods.policies(rules),
    )


def objects(settings: IsolationSettings, install: Install) -> tuple[KubernetesObject, ...]:
    """Cluster-wide objects only: the component has no namespace and runs nothing."""
    admission = [obj for policy in policies(settings, install.facts) for obj in policy.objects()]
    if served(install.facts.kubernetes_version):
        admission += pod_defaults().objects()
    # A policy acts through its binding, so all policies are there before the first binding.
    admission.sort(key=lambda obj: obj["kind"].endswith("Binding"))
    return (*priority_classes(), *cluster_roles(COMPONENT_RULES), *flow_control(), *admission)
