"""The security context that level `restricted` asks for, for pods whose authors never heard of it.

Only what is missing is added, and nothing to a container that asks for more: that is refused as it stands.
"""

from __future__ import annotations

from components.admission import CONTAINERS, Completion, add, each_container, literal, together, where
from components.isolation.policies.model import COMPONENT, unset
from components.kubernetes import UID

_POD = "object.spec.securityContext"
_OWNER = {"runAsUser": UID, "runAsGroup": UID, "fsGroup": UID}


def pod_defaults() -> Completion:
    """The policy."""
    return Completion(COMPONENT, "mlp-pod-defaults", (_contexts(), _fields()))


def _contexts() -> str:
    """An empty security context where there is none: fields are added to what exists."""
    pod = where(f"!has({_POD})", add("'/spec/securityContext'", "Object.spec.securityContext{}"))
    containers = [
        each_container(kind, "!has(c.securityContext)", "/securityContext", f"Object.spec.{kind}.securityContext{{}}")
        for kind in CONTAINERS
    ]
    return together((pod, *containers))


def _fields() -> str:
    profile = literal("Object.spec.securityContext.seccompProfile", {"type": "RuntimeDefault"})
    pod = [
        where(f"!has({_POD}.runAsNonRoot)", add("'/spec/securityContext/runAsNonRoot'", "true")),
        where(f"!has({_POD}.seccompProfile)", add("'/spec/securityContext/seccompProfile'", profile)),
        # Images mostly run as root, or as a user without a number, which Kubernetes can't tell from root.
        where(
            " && ".join((f"!has({_POD}.runAsUser)", *(_no_user(kind) for kind in CONTAINERS))),
            add("'/spec/securityContext/runAsUser'", str(UID)),
        ),
    ]
    for field in ("runAsGroup", "fsGroup"):
        nobody = " && ".join((f"!has({_POD}.runAsUser)", f"!has({_POD}.{field})", *map(_no_user, CONTAINERS)))
        pod.append(where(nobody, add(f"'/spec/securityContext/{field}'", str(UID))))
    containers = [text for kind in CONTAINERS for text in _container(kind)]
    return together((*pod, *containers))


def _no_user(kind: str) -> str:
    given = f"object.spec.{kind}.exists(c, has(c.securityContext) && has(c.securityContext.runAsUser))"
    return f"(!has(object.spec.{kind}) || !{given})"


def _container(kind: str) -> tuple[str, ...]:
    context = "c.securityContext"
    capabilities = f"{context}.capabilities"
    modest = f"has({context}) && {unset(f'{context}.privileged')}"
    modest += f" && (!has({capabilities}) || !has({capabilities}.add))"
    at = f"Object.spec.{kind}.securityContext.capabilities"
    return (
        each_container(
            kind,
            f"{modest} && !has({context}.allowPrivilegeEscalation)",
            "/securityContext/allowPrivilegeEscalation",
            "false",
        ),
        each_container(
            kind,
            f"{modest} && (!has({capabilities}) || !has({capabilities}.drop))",
            "/securityContext/capabilities",
            literal(at, {"drop": ["ALL"]}),
        ),
    )
