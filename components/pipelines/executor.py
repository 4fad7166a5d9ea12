"""The API token of Argo's executor: its containers report a step's outcome, the step's own containers get no token."""

from __future__ import annotations

from typing import Any

from components.admission import CONTAINERS, Completion, add, insert, literal, together, where
from components.pipelines.names import NAME, WORKFLOW_LABEL

_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"
_VOLUME: dict[str, Any] = {
    "name": "mlp-kubernetes-api",
    "projected": {
        "sources": [
            {"serviceAccountToken": {"path": "token", "expirationSeconds": 3600}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}]}},
        ]
    },
}


def executor_token(image: str) -> Completion:
    """The policy, for containers that run exactly this image in pods of workflows."""
    labels = "object.metadata.labels"
    workflow = f"has({labels}) && '{WORKFLOW_LABEL}' in {labels}"
    name = _VOLUME["name"]
    missing = f"!has(object.spec.volumes) || !object.spec.volumes.exists(v, v.name == '{name}')"
    volume = together(
        (
            where(f"{workflow} && !has(object.spec.volumes)", add("'/spec/volumes'", "[]")),
            where(
                f"{workflow} && ({missing})",
                add("'/spec/volumes/-'", literal("Object.spec.volumes", _VOLUME)),
            ),
        )
    )
    mount = {"name": name, "mountPath": _FOLDER, "readOnly": True}
    present = f"c.image != {literal('', image)} || c.volumeMounts.exists(m, m.mountPath == '{_FOLDER}')"
    mounts = together(insert(kind, "volumeMounts", [(present, mount)], first=False) for kind in CONTAINERS)
    return Completion(NAME, "mlp-pipeline-executor", (volume, f"({workflow} ? {mounts} : [])"))
