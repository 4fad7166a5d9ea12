"""What every pod of a workspace gets by itself to reach MLflow and the storage, so that examples run unchanged.

The volume with the pod's token, CA and labels; environment from the workspace's ConfigMaps and its storage Secret; the
service account `workload`; the name of its image. What a pod says itself stays: its own variables come before those of
`envFrom`, and its own sources of `envFrom` before ours.
"""

from __future__ import annotations

from components.admission import CONTAINERS, Completion, Expression, add, insert, literal, together, where
from components.storage.clouds import CONFIG_MAP as STORAGE
from components.tracking.workspace import CONFIG_MAP, FOLDER, WORKLOAD_SERVICE_ACCOUNT, workload_volume

IMAGE_VARIABLE = "MLP_IMAGE"
"""In every container: the image it was asked to run."""

_VOLUME = workload_volume()
_NAME = _VOLUME["name"]
_SOURCES: tuple[tuple[str, str], ...] = (
    ("configMapRef", CONFIG_MAP),
    ("configMapRef", STORAGE),
    ("secretRef", STORAGE),
)
"""In the order in which a container reads them; the storage's two have the same name."""


def pod_environment() -> Completion:
    """The policy. A pod whose volume `mlp` is something else keeps it and gets no token."""
    return Completion("tracking", "mlp-pod-environment", (_pod(), _mounts(), _variables(), _image()))


def _pod() -> str:
    volume = literal("Object.spec.volumes", _VOLUME)
    account = literal("", WORKLOAD_SERVICE_ACCOUNT)
    unnamed = "!has(object.spec.serviceAccountName) || object.spec.serviceAccountName in ['', 'default']"
    missing = f"!has(object.spec.volumes) || !object.spec.volumes.exists(v, v.name == '{_NAME}')"
    return together(
        (
            # The older spelling of the field is filled in from the newer one before policies are asked.
            where(unnamed, add("'/spec/serviceAccountName'", account), add("'/spec/serviceAccount'", account)),
            where("!has(object.spec.volumes)", add("'/spec/volumes'", "[]")),
            where(missing, add("'/spec/volumes/-'", volume)),
        )
    )


def _mounts() -> str:
    ours = f"object.spec.volumes.exists(v, v.name == '{_NAME}' && has(v.projected))"
    present = f"c.volumeMounts.exists(m, m.name == '{_NAME}' || m.mountPath.startsWith('{FOLDER}'))"
    mount = {"name": _NAME, "mountPath": FOLDER, "readOnly": True}
    lists = [insert(kind, "volumeMounts", [(present, mount)], first=False) for kind in CONTAINERS]
    return f"({ours} ? {together(lists)} : [])"


def _variables() -> str:
    wanted = [
        (
            f"c.envFrom.exists(e, has(e.{source}) && e.{source}.name == '{name}')",
            {source: {"name": name, "optional": True}},
        )
        for source, name in _SOURCES
    ]
    return together(insert(kind, "envFrom", wanted, first=True) for kind in CONTAINERS)


def _image() -> str:
    present = f"!has(c.image) || c.env.exists(e, e.name == '{IMAGE_VARIABLE}')"
    item = {"name": IMAGE_VARIABLE, "value": Expression("c.image")}
    return together(insert(kind, "env", [(present, item)], first=False) for kind in CONTAINERS)
