"""What a reconcile found, as conditions. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from controlplane.errors import ControlPlaneError
from controlplane.reconcile.model import Condition, ConditionType, WorkspaceSpec

_STORAGE = "storage"


def conditions(
    spec: WorkspaceSpec, errors: Mapping[str, ControlPlaneError], missing: tuple[str, ...] = ()
) -> tuple[Condition, ...]:
    """`errors` by step name (`storage`, or `Kind/name`), `missing` the objects that are not as wanted."""
    failed = {name: error for name, error in errors.items() if name != _STORAGE}
    if failed:
        text = "; ".join(f"{name}: {error}" for name, error in sorted(failed.items()))
        objects = Condition(ConditionType.OBJECTS, False, "ApplyFailed", text)
    elif missing:
        objects = Condition(ConditionType.OBJECTS, False, "Drifted", f"not as wanted: {', '.join(sorted(missing))}")
    else:
        objects = Condition(ConditionType.OBJECTS, True, "Applied")
    broken = errors.get(_STORAGE)
    storage = (
        Condition(ConditionType.STORAGE, False, "StorageFailed", str(broken))
        if broken
        else Condition(ConditionType.STORAGE, True, "Available")
    )
    ready = objects.status and storage.status
    worst = next((c for c in (objects, storage) if not c.status), None)
    return (
        Condition(ConditionType.READY, ready, worst.reason if worst else "AsWanted", worst.message if worst else ""),
        Condition(ConditionType.NAMESPACE, True, "Exists"),
        objects,
        storage,
        Condition(ConditionType.SUSPENDED, spec.suspended, "Suspended" if spec.suspended else "Active"),
    )
