"""What the plugin decides about objects without asking anybody: names, namespaces, replacements, drift. Pure."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from infra.providers.kubernetes.paths import differences, without_nulls
from infra.providers.plugin.values import UNKNOWN, Path

Obj = dict[str, Any]

AUTONAMED = "pulumi.com/autonamed"
SKIP_AWAIT = "pulumi.com/skipAwait"
TIMEOUT_SECONDS = "pulumi.com/timeoutSeconds"
PATCH_FORCE = "pulumi.com/patchForce"
PATCH_FIELD_MANAGER = "pulumi.com/patchFieldManager"
DELETION_PROPAGATION = "pulumi.com/deletionPropagationPolicy"

CLUSTER_WIDE = frozenset(
    {
        ("v1", "Namespace"),
        ("v1", "Node"),
        ("v1", "PersistentVolume"),
        ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"),
        ("admissionregistration.k8s.io", "MutatingAdmissionPolicy"),
        ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding"),
        ("apiextensions.k8s.io", "CustomResourceDefinition"),
        ("apiregistration.k8s.io", "APIService"),
        ("certificates.k8s.io", "CertificateSigningRequest"),
        ("flowcontrol.apiserver.k8s.io", "FlowSchema"),
        ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"),
        ("networking.k8s.io", "IngressClass"),
        ("networking.k8s.io", "IPAddress"),
        ("networking.k8s.io", "ServiceCIDR"),
        ("node.k8s.io", "RuntimeClass"),
        ("rbac.authorization.k8s.io", "ClusterRole"),
        ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
        ("resource.k8s.io", "DeviceClass"),
        ("scheduling.k8s.io", "PriorityClass"),
        ("storage.k8s.io", "CSIDriver"),
        ("storage.k8s.io", "CSINode"),
        ("storage.k8s.io", "StorageClass"),
        ("storage.k8s.io", "VolumeAttachment"),
        ("storage.k8s.io", "VolumeAttributesClass"),
    }
)
"""Built-in kinds without a namespace, for decisions while no cluster can be asked."""

_SELECTOR: tuple[Path, ...] = (("spec", "selector"),)
_IMMUTABLE: dict[tuple[str, str], tuple[Path, ...]] = {
    ("apps", "Deployment"): _SELECTOR,
    ("apps", "DaemonSet"): _SELECTOR,
    ("apps", "ReplicaSet"): _SELECTOR,
    ("apps", "StatefulSet"): (
        *_SELECTOR,
        ("spec", "podManagementPolicy"),
        ("spec", "serviceName"),
        ("spec", "volumeClaimTemplates"),
    ),
    ("batch", "Job"): (*_SELECTOR, ("spec", "template"), ("spec", "completions"), ("spec", "completionMode")),
    ("v1", "PersistentVolumeClaim"): (("spec",),),
    ("v1", "Pod"): (("spec",),),
    ("v1", "ResourceQuota"): (("spec", "scopes"), ("spec", "scopeSelector")),
    ("v1", "Secret"): (("type",),),
    ("v1", "Service"): (("spec", "clusterIP"), ("spec", "clusterIPs")),
    ("rbac.authorization.k8s.io", "RoleBinding"): (("roleRef",),),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): (("roleRef",),),
    ("storage.k8s.io", "StorageClass"): (
        ("provisioner",),
        ("parameters",),
        ("reclaimPolicy",),
        ("volumeBindingMode",),
    ),
    ("scheduling.k8s.io", "PriorityClass"): (("value",), ("preemptionPolicy",)),
    ("node.k8s.io", "RuntimeClass"): (("handler",),),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"): (),
}
_MUTABLE_INSIDE: dict[tuple[str, str], tuple[Path, ...]] = {
    ("v1", "PersistentVolumeClaim"): (
        ("spec", "resources", "requests", "storage"),
        ("spec", "volumeAttributesClassName"),
    ),
    ("v1", "Pod"): (("spec", "activeDeadlineSeconds"), ("spec", "tolerations"), ("spec", "schedulingGates")),
}
_DATA = {"ConfigMap": (("data",), ("binaryData",)), "Secret": (("data",), ("stringData",))}


def group(api_version: str) -> str:
    """`apps` of `apps/v1`; the core group's name is its version, `v1`."""
    return api_version.partition("/")[0]


def type_of(token: str) -> tuple[str, str]:
    """(apiVersion, kind) of a type token such as `kubernetes:core/v1:ConfigMap`. Raises ValueError.

    A resource with a parent comes with the parents' types before it, joined by `$`.
    """
    package, _, rest = token.rpartition("$")[2].partition(":")
    api_version, _, kind = rest.rpartition(":")
    if package != "kubernetes" or "/" not in api_version or not kind:
        raise ValueError(f"{token} is not a type token of the form kubernetes:<group>/<version>:<Kind>")
    return api_version.removeprefix("core/"), kind


def annotations_of(obj: Obj) -> dict[str, Any]:
    """The annotations; empty where there are none or they are not known yet."""
    metadata = obj.get("metadata")
    found = metadata.get("annotations") if isinstance(metadata, dict) else None
    return found if isinstance(found, dict) else {}


def generated_name(resource_name: str, seed: bytes) -> str:
    """`<resource name>-<8 hex digits>`, a valid object name whatever the resource is called."""
    base = "".join(c if c.isascii() and (c.isalnum() or c in "-.") else "-" for c in resource_name.lower())
    return f"{base.strip('-.')[:54] or 'object'}-{hashlib.sha256(seed).hexdigest()[:8]}"


def complete(obj: Obj, old: Obj | None, *, resource_name: str, seed: bytes, token: str, namespace: str | None) -> Obj:
    """The inputs as they are kept and sent: apiVersion and kind from the token, a name (the old generated one where
    the program gives none), the provider's namespace, `stringData` as `data`. The input stays unchanged."""
    api_version, kind = type_of(token)
    full: Obj = {"apiVersion": api_version, "kind": kind, **without_nulls(obj)}
    metadata = full.get("metadata", {})
    if not isinstance(metadata, dict):
        return full
    metadata = dict(metadata)
    full["metadata"] = metadata
    if not metadata.get("name"):
        old_name = (old or {}).get("metadata", {}).get("name")
        metadata["name"] = old_name or generated_name(resource_name, seed)
        if old is None or annotations_of(old).get(AUTONAMED) == "true":
            metadata["annotations"] = {**annotations_of(full), AUTONAMED: "true"}
    if namespace and not metadata.get("namespace") and not is_cluster_wide(api_version, kind):
        metadata["namespace"] = namespace
    return _with_encoded_data(full)


def _with_encoded_data(obj: Obj) -> Obj:
    plain = obj.get("stringData")
    if obj["kind"] != "Secret" or obj["apiVersion"] != "v1" or not isinstance(plain, dict):
        return obj
    data = obj.get("data") or {}
    if not isinstance(data, dict):
        return obj
    encoded = {
        key: value if value == UNKNOWN else base64.b64encode(str(value).encode()).decode()
        for key, value in plain.items()
    }
    return {**{key: value for key, value in obj.items() if key != "stringData"}, "data": {**data, **encoded}}


def object_secrets(obj: Obj, secrets: frozenset[Path]) -> frozenset[Path]:
    """The paths plus what is secret by its kind: a Secret's data, and a text that became encoded data."""
    if obj.get("kind") != "Secret" or obj.get("apiVersion") != "v1":
        return secrets
    moved = {("data", *path[1:]) for path in secrets if path[:1] == ("stringData",)}
    return secrets | moved | {("data",), ("stringData",)}


def is_cluster_wide(api_version: str, kind: str) -> bool:
    """For built-in kinds only; anything else is taken to have a namespace."""
    return (group(api_version), kind) in CLUSTER_WIDE


@dataclass(frozen=True)
class Difference:
    """One changed path. `kind` is add, delete or update."""

    path: Path
    kind: str
    replaces: bool


def compare(old: Obj, new: Obj) -> list[Difference]:
    """What differs between the last inputs and the new ones, and which of it can't be changed in place."""
    before, after = _canonical(old), _canonical(new)
    return [Difference(path, kind, _replaces(after, before, path)) for path, kind in differences(before, after)]


def _canonical(obj: Obj) -> Obj:
    """Equal for objects that mean the same: no nulls, the default namespace written out, none where none belongs."""
    full: Obj = without_nulls(obj)
    api_version, kind = str(full.get("apiVersion")), str(full.get("kind"))
    metadata = full.get("metadata")
    if not isinstance(metadata, dict):
        return full
    metadata = dict(metadata)
    if is_cluster_wide(api_version, kind):
        metadata.pop("namespace", None)
    else:
        metadata.setdefault("namespace", "default")
    return {**full, "metadata": metadata}


def _replaces(new: Obj, old: Obj, path: Path) -> bool:
    if path[:2] in {("metadata", "name"), ("metadata", "namespace")} or path == ("kind",):
        return True
    if path == ("apiVersion",):
        return group(str(old.get("apiVersion"))) != group(str(new.get("apiVersion")))
    key = group(str(new.get("apiVersion"))), str(new.get("kind"))
    immutable: tuple[Path, ...] = _IMMUTABLE.get(key, ())
    if key[0] == "v1" and key[1] in _DATA and old.get("immutable") is True:
        immutable += _DATA[key[1]] + (("immutable",),)
    if any(path[: len(prefix)] == prefix for prefix in _MUTABLE_INSIDE.get(key, ())):
        return False
    if key == ("v1", "Pod") and path[1:2] == ("containers",) and path[-1:] == ("image",):
        return False
    return any(path[: len(prefix)] == prefix or prefix[: len(path)] == path for prefix in immutable)


def same_place(old: Obj, new: Obj) -> bool:
    """Whether both are the same object to the API server, so that one must go before the other can come."""
    before, after = _canonical(old), _canonical(new)
    return (
        before.get("kind") == after.get("kind")
        and group(str(before.get("apiVersion"))) == group(str(after.get("apiVersion")))
        and before.get("metadata", {}).get("name") == after.get("metadata", {}).get("name")
        and before.get("metadata", {}).get("namespace") == after.get("metadata", {}).get("namespace")
    )


def seen_as_inputs(inputs: Obj, live: Obj) -> Obj:
    """The inputs as the cluster has them now: same shape, live values. What someone else changed or removed then
    differs from the program at the next run; values that merely look different (`1` and `1000m`) stay."""
    seen: Obj = _prune(inputs, live)
    for key in ("apiVersion", "kind"):
        if key in inputs:
            seen[key] = inputs[key]
    if isinstance(inputs.get("metadata"), dict):
        kept = {key: inputs["metadata"][key] for key in ("name", "namespace") if key in inputs["metadata"]}
        seen["metadata"] = {**seen.get("metadata", {}), **kept}
    return seen


def _prune(wanted: Any, live: Any) -> Any:
    if isinstance(wanted, dict) and isinstance(live, dict):
        return {
            key: _prune(value, live[key]) if key in live else value
            for key, value in wanted.items()
            if key in live or _is_empty(value)
        }
    if isinstance(wanted, list) and isinstance(live, list):
        return _prune_list(wanted, live)
    return wanted if _same(wanted, live) else live


def _is_empty(value: Any) -> bool:
    """Values that the API server may leave out of its answer."""
    return not value


def _named(items: list[Any]) -> bool:
    """Whether each has a name that no other has: volume mounts, for one, share theirs."""
    names = [item.get("name") for item in items if isinstance(item, dict)]
    return len(names) == len(items) == len(set(map(str, names))) and None not in names


def _prune_list(wanted: list[Any], live: list[Any]) -> list[Any]:
    if _named(wanted) and _named(live):
        by_name = {item["name"]: item for item in live}
        return [_prune(item, by_name[item["name"]]) for item in wanted if item["name"] in by_name]
    if len(wanted) == len(live):
        return [_prune(item, other) for item, other in zip(wanted, live, strict=True)]
    return live


_SUFFIXES = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal(10) ** 3,
    "M": Decimal(10) ** 6,
    "G": Decimal(10) ** 9,
    "T": Decimal(10) ** 12,
    "P": Decimal(10) ** 15,
    "Ki": Decimal(2) ** 10,
    "Mi": Decimal(2) ** 20,
    "Gi": Decimal(2) ** 30,
    "Ti": Decimal(2) ** 40,
    "Pi": Decimal(2) ** 50,
}


def quantity(text: str) -> Decimal | None:
    """The number a Kubernetes quantity means; None where the text is none."""
    suffix = next((suffix for suffix in sorted(_SUFFIXES, key=len, reverse=True) if text.endswith(suffix)), "")
    try:
        return Decimal(text.removesuffix(suffix)) * _SUFFIXES.get(suffix, Decimal(1))
    except InvalidOperation:
        return None


def _same(wanted: Any, live: Any) -> bool:
    if wanted == live:
        return True
    if isinstance(wanted, dict | list | bool) or isinstance(live, dict | list | bool):
        return False
    one, other = quantity(str(wanted)), quantity(str(live))
    return one is not None and one == other


def timeout_seconds(requested: float, obj: Obj, default: float) -> float:
    """`customTimeouts` of the resource, else the annotation, else the default."""
    if requested:
        return requested
    try:
        return float(annotations_of(obj)[TIMEOUT_SECONDS])
    except (KeyError, TypeError, ValueError):
        return default


_WITHOUT_DEPENDENTS = frozenset(
    {
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "flowcontrol.apiserver.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
        "v1",
    }
)
"""Groups whose objects own no others, so that waiting for dependents would only be a detour over the collector."""


def propagation(obj: Obj) -> str:
    """The deletion propagation policy that the object's annotation asks for; else dependents go first where there
    are any."""
    wanted = str(annotations_of(obj).get(DELETION_PROPAGATION, "")).lower()
    chosen = {"orphan": "Orphan", "background": "Background", "foreground": "Foreground"}.get(wanted)
    owns_none = group(str(obj.get("apiVersion"))) in _WITHOUT_DEPENDENTS and obj.get("kind") != "ReplicationController"
    return chosen or ("Background" if owns_none else "Foreground")


def object_id(obj: Obj) -> str:
    """The engine's id: `<namespace>/<name>`, or `<name>` for cluster-wide objects."""
    metadata = obj["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}" if metadata.get("namespace") else str(metadata["name"])
