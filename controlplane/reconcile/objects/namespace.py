"""The namespace itself, with its level of pod security."""

from __future__ import annotations

import re

from components.contract import KubernetesObject
from components.facts import PlatformFacts
from components.tuning.names import NAME as TUNING
from components.tuning.names import NAMESPACE_LABELS as TUNING_LABELS
from controlplane.reconcile.model import WorkspaceSpec
from controlplane.reconcile.objects.common import ANNOTATION_UID

_MINOR = re.compile(r"v?(\d+)\.(\d+)(?:\D.*)?")


def namespace(spec: WorkspaceSpec, facts: PlatformFacts) -> KubernetesObject:
    """Pod security is `restricted`, pinned to the cluster's version so that an upgrade tightens nothing unseen."""
    labels: dict[str, str] = dict(TUNING_LABELS) if TUNING in facts.components else {}
    for mode in ("enforce", "audit", "warn"):
        labels[f"pod-security.kubernetes.io/{mode}"] = "restricted"
        labels[f"pod-security.kubernetes.io/{mode}-version"] = pod_security_version(facts.kubernetes_version)
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": spec.namespace, "labels": labels, "annotations": {ANNOTATION_UID: spec.uid}},
    }


def pod_security_version(kubernetes_version: str) -> str:
    """`v1.36` for `v1.36.3`, `1.36+` and the like."""
    match = _MINOR.fullmatch(kubernetes_version)
    if match is None:
        raise ValueError(f"not a Kubernetes version: {kubernetes_version!r}; expected something like v1.36.3")
    return f"v{match[1]}.{match[2]}"
