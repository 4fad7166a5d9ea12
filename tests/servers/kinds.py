"""Custom resource definitions of the kinds that workspaces hold, for servers on which their controllers do not run."""

from __future__ import annotations

from components.contract import KubernetesObject, Upstream
from infra.installation.home import cache_root
from infra.toolchain.upstream import UpstreamObjects

_CRDS = (
    Upstream("test-trainer", "trainer", "github.com/kubeflow/trainer/v2", ("manifests/base/crds/*.yaml",)),
    Upstream(
        "test-training-operator", "training-operator", "github.com/kubeflow/training-operator",
        ("manifests/base/crds/*.yaml",),
    ),
    Upstream("test-kueue", "kueue", "sigs.k8s.io/kueue", ("config/components/crd/bases/*.yaml",)),
    Upstream("test-katib", "katib", "github.com/kubeflow/katib", ("manifests/v1beta1/components/crd/*.yaml",)),
    Upstream(
        "test-argo-workflows", "argo-workflows", "github.com/argoproj/argo-workflows/v3",
        ("manifests/base/crds/minimal/*.yaml",),
    ),
    Upstream("test-kserve", "kserve", "github.com/kserve/kserve", ("config/crd/full/serving*.yaml",)),
)  # fmt: skip
_WANTED = frozenset(
    {
        "trainjobs", "tfjobs", "pytorchjobs", "mpijobs", "experiments", "trials", "workflows", "cronworkflows",
        "workflowtemplates", "inferenceservices", "workloads",
    }
)  # fmt: skip


def definitions() -> list[KubernetesObject]:
    """The definitions of every kind that the control plane shows, at the versions that the platform installs."""
    found = UpstreamObjects(cache_root()).ensure(_CRDS)
    return [
        obj
        for objects in found.values()
        for obj in objects
        if obj["kind"] == "CustomResourceDefinition" and obj["spec"]["names"]["plural"] in _WANTED
    ]
