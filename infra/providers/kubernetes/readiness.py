"""When is an object ready, and if not, why not. Pure predicates over what the API server answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Obj = dict[str, Any]


class State(StrEnum):
    """Whether waiting makes sense."""

    READY = "ready"
    WAITING = "waiting"
    FAILED = "failed"
    """Will not become ready by waiting."""


@dataclass(frozen=True)
class Status:
    """`reason` is empty when ready."""

    state: State
    reason: str = ""


READY = Status(State.READY)


def _waiting(reason: str) -> Status:
    return Status(State.WAITING, reason)


def _condition(obj: Obj, kind: str) -> Obj | None:
    found = [entry for entry in obj.get("status", {}).get("conditions") or [] if entry.get("type") == kind]
    return found[0] if found else None


def _is_true(obj: Obj, kind: str) -> bool:
    condition = _condition(obj, kind)
    return condition is not None and condition.get("status") == "True"


def _words(condition: Obj | None) -> str:
    return str((condition or {}).get("message") or (condition or {}).get("reason") or "")


def _observed(obj: Obj) -> bool:
    return int(obj.get("status", {}).get("observedGeneration") or 0) >= int(obj["metadata"].get("generation") or 0)


def _number(status: Obj, field: str) -> int:
    return int(status.get(field) or 0)


def _deployment(obj: Obj) -> Status:  # noqa: PLR0911 - one return per stage of a rollout
    status, wanted = obj.get("status", {}), obj["spec"].get("replicas", 1)
    if not _observed(obj):
        return _waiting("the deployment controller has not seen the change yet")
    progressing = _condition(obj, "Progressing")
    if progressing and progressing.get("reason") == "ProgressDeadlineExceeded":
        return Status(State.FAILED, _words(progressing))
    if obj["spec"].get("paused"):
        return READY
    updated, total, available = (_number(status, f) for f in ("updatedReplicas", "replicas", "availableReplicas"))
    if updated < wanted:
        return _waiting(f"{updated} of {wanted} new replicas made")
    if total > updated:
        return _waiting(f"{total - updated} old replicas still end")
    if available < wanted:
        return _waiting(f"{available} of {wanted} replicas available")
    return READY


def _stateful_set(obj: Obj) -> Status:
    spec, status = obj["spec"], obj.get("status", {})
    wanted = spec.get("replicas", 1)
    if not _observed(obj):
        return _waiting("the stateful set controller has not seen the change yet")
    ready = _number(status, "readyReplicas")
    if ready < wanted:
        return _waiting(f"{ready} of {wanted} replicas ready")
    strategy = spec.get("updateStrategy", {})
    if strategy.get("type") == "OnDelete":
        return READY
    partition = _number(strategy.get("rollingUpdate") or {}, "partition")
    updated = _number(status, "updatedReplicas")
    if updated < wanted - partition:
        return _waiting(f"{updated} of {wanted - partition} replicas updated")
    if not partition and status.get("currentRevision") != status.get("updateRevision"):
        return _waiting("the rollout is being finished")
    return READY


def _daemon_set(obj: Obj) -> Status:
    status = obj.get("status", {})
    if not _observed(obj):
        return _waiting("the daemon set controller has not seen the change yet")
    wanted = _number(status, "desiredNumberScheduled")
    available = _number(status, "numberAvailable")
    if obj["spec"].get("updateStrategy", {}).get("type") != "OnDelete":
        updated = _number(status, "updatedNumberScheduled")
        if updated < wanted:
            return _waiting(f"{updated} of {wanted} pods updated")
    return READY if available >= wanted else _waiting(f"{available} of {wanted} pods available")


def _job(obj: Obj) -> Status:
    if _is_true(obj, "Complete"):
        return READY
    failed = _condition(obj, "Failed")
    if failed and failed.get("status") == "True":
        return Status(State.FAILED, f"the job failed: {_words(failed)}")
    if obj["spec"].get("suspend"):
        return READY
    active = _number(obj.get("status", {}), "active")
    return _waiting(f"{active} pods active, {_number(obj.get('status', {}), 'succeeded')} succeeded")


def _pod(obj: Obj) -> Status:
    phase = obj.get("status", {}).get("phase")
    if phase == "Succeeded" or _is_true(obj, "Ready"):
        return READY
    reason = pod_reason(obj) or f"phase {phase}"
    return Status(State.FAILED if phase == "Failed" else State.WAITING, reason)


def _crd(obj: Obj) -> Status:
    names = _condition(obj, "NamesAccepted")
    if names and names.get("status") == "False":
        return Status(State.FAILED, f"names not accepted: {_words(names)}")
    return READY if _is_true(obj, "Established") else _waiting("the definition is not established yet")


def _api_service(obj: Obj) -> Status:
    if _is_true(obj, "Available"):
        return READY
    return _waiting(f"not available: {_words(_condition(obj, 'Available')) or 'not checked yet'}")


def _namespace(obj: Obj) -> Status:
    phase = obj.get("status", {}).get("phase")
    return READY if phase == "Active" else _waiting(f"phase {phase or 'unknown'}")


def _service(obj: Obj) -> Status:
    if obj["spec"].get("type") != "LoadBalancer" or obj.get("status", {}).get("loadBalancer", {}).get("ingress"):
        return READY
    return _waiting("no external address was given yet")


def needs_endpoints(obj: Obj) -> bool:
    """Whether a Service is only useful once a pod stands behind it: it selects pods and has an address."""
    spec = obj["spec"]
    return bool(
        obj["kind"] == "Service"
        and spec.get("selector")
        and spec.get("type") != "ExternalName"
        and spec.get("clusterIP") != "None"
    )


def endpoints_ready(slices: list[Obj]) -> Status:
    """Over the EndpointSlices of a Service."""
    for each in slices:
        for endpoint in each.get("endpoints") or []:
            if endpoint.get("conditions", {}).get("ready"):
                return READY
    return _waiting("no ready pod stands behind the service")


def _claim(obj: Obj) -> Status:
    phase = obj.get("status", {}).get("phase")
    if phase == "Lost":
        return Status(State.FAILED, "the volume was lost")
    return READY if phase == "Bound" else _waiting("the claim is not bound to a volume yet")


_PREDICATES: dict[tuple[str, str], Callable[[Obj], Status]] = {
    ("apps", "Deployment"): _deployment,
    ("apps", "StatefulSet"): _stateful_set,
    ("apps", "DaemonSet"): _daemon_set,
    ("batch", "Job"): _job,
    ("v1", "Pod"): _pod,
    ("v1", "Namespace"): _namespace,
    ("v1", "Service"): _service,
    ("v1", "PersistentVolumeClaim"): _claim,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _crd,
    ("apiregistration.k8s.io", "APIService"): _api_service,
}


def predicate(obj: Obj) -> Callable[[Obj], Status] | None:
    """What tells readiness of this kind; None where existing is enough."""
    return _PREDICATES.get((str(obj["apiVersion"]).partition("/")[0], str(obj["kind"])))


def pod_selector(obj: Obj) -> str | None:
    """The label selector of a workload's pods, for the reason that blocks; None for other kinds."""
    if obj["kind"] not in {"Deployment", "StatefulSet", "DaemonSet", "Job"}:
        return None
    selector = obj.get("spec", {}).get("selector") or {}
    if selector.get("matchExpressions"):
        return None
    labels = selector.get("matchLabels") or {}
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items())) or None


_HARMLESS = frozenset({"ContainerCreating", "PodInitializing"})


def pod_reason(pod: Obj) -> str:
    """Why a pod is not ready, most telling cause first; empty when it is or nothing can be said."""
    status = pod.get("status", {})
    for container in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        waiting = (container.get("state") or {}).get("waiting")
        if waiting and waiting.get("reason") not in _HARMLESS:
            said = ": ".join(filter(None, (waiting.get("reason"), waiting.get("message"))))
            last = (container.get("lastState") or {}).get("terminated") or {}
            return f"container {container['name']}: {said}{_ended(last)}"
        ended = (container.get("state") or {}).get("terminated")
        if ended and ended.get("exitCode"):
            return f"container {container['name']}: {ended.get('reason', 'Error')}{_ended(ended)}"
    scheduled = _condition(pod, "PodScheduled")
    if scheduled and scheduled.get("status") == "False":
        return f"not scheduled: {_words(scheduled)}"
    if status.get("phase") == "Failed":
        return ": ".join(filter(None, (status.get("reason") or "failed", status.get("message"))))
    ready = _condition(pod, "Ready")
    if status.get("phase") == "Running" and ready and ready.get("status") == "False":
        return _words(ready)
    return ""


def _ended(terminated: Obj) -> str:
    if not terminated:
        return ""
    message = str(terminated.get("message") or "").strip()
    return f" (exit code {terminated.get('exitCode')}{': ' + message[-300:] if message else ''})"


def blocking_pods(workload: Obj, pods: list[Obj]) -> list[str]:
    """`pod <name>: <reason>` of each pod that is not ready, without the ones that already go."""
    return [
        f"pod {pod['metadata']['name']}: {reason}{_holds_up(workload, pod)}"
        for pod in pods
        if not pod["metadata"].get("deletionTimestamp") and (reason := pod_reason(pod))
    ]


def _holds_up(workload: Obj, pod: Obj) -> str:
    """A stateful set made in order never replaces a pod of an older revision that is not ready (its known limit)."""
    if workload["kind"] != "StatefulSet" or workload["spec"].get("podManagementPolicy") == "Parallel":
        return ""
    wanted = workload.get("status", {}).get("updateRevision")
    revision = (pod["metadata"].get("labels") or {}).get("controller-revision-hash")
    if not wanted or not revision or revision == wanted:
        return ""
    return f"; it is of the old revision and holds up the new one: kubectl delete pod {pod['metadata']['name']}"
