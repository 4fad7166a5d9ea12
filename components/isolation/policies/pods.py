"""What pods of workspaces may be: images, access to the host, privileges, placement.

Pod security `restricted` says some of it again, for pods only: these rules also speak for the templates in Deployments
and Jobs, where a refusal is seen by the person who wrote them, and they hold if a namespace lost its labels.
"""

from __future__ import annotations

from dataclasses import dataclass

from components.isolation.policies.model import ADMIN, Match, Policy, Rule, each, quoted, quoted_list, unset

_AUTOMATIC_TOLERATIONS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
"""Added to every pod by the API server."""


@dataclass(frozen=True)
class PodRules:
    """What this installation allows."""

    registries: tuple[str, ...]
    """Image prefixes, each ending in `/`: else `registry.example.com` would admit `registry.example.com.evil.io`."""
    priority_classes: tuple[str, ...]
    tolerations: tuple[str, ...]


@dataclass(frozen=True)
class _Shape:
    """Where a kind keeps its pod."""

    name: str
    matches: tuple[Match, ...]
    pod: str
    changed: str
    """CEL: the pod part differs from what it was. Metadata of what exists already can always be changed, or else
    nothing made under an earlier rule could lose its finalizers."""
    is_pod: bool = False


_SHAPES = (
    _Shape(
        "mlp-pods",
        (
            Match("", ("pods",)),
            Match("", ("pods/ephemeralcontainers",), ("UPDATE",)),
        ),
        "object.spec",
        "object.spec != oldObject.spec",
        is_pod=True,
    ),
    _Shape(
        "mlp-pod-templates",
        (
            Match("apps", ("deployments", "replicasets", "statefulsets", "daemonsets")),
            Match("batch", ("jobs",)),
        ),
        "object.spec.template.spec",
        "object.spec.template != oldObject.spec.template",
    ),
    _Shape(
        "mlp-cron-jobs",
        (Match("batch", ("cronjobs",)),),
        "object.spec.jobTemplate.spec.template.spec",
        "object.spec.jobTemplate != oldObject.spec.jobTemplate",
    ),
    _Shape(
        "mlp-replication-controllers",
        (Match("", ("replicationcontrollers",)),),
        "object.spec.template.spec",
        "object.spec.template != oldObject.spec.template",
    ),
    _Shape(
        "mlp-stored-pod-templates",
        (Match("", ("podtemplates",)),),
        "object.template.spec",
        "object.template != oldObject.template",
    ),
)


def policies(rules: PodRules) -> tuple[Policy, ...]:
    """One policy for each shape, with the same rules."""
    for registry in rules.registries:
        if not registry.endswith("/"):
            raise ValueError(f"registry prefix {registry!r} must end in '/': without it look-alike hosts match")
    return tuple(_policy(shape, rules) for shape in _SHAPES)


def _policy(shape: _Shape, rules: PodRules) -> Policy:
    return Policy(
        name=shape.name,
        matches=shape.matches,
        conditions=(("pod-changes", f"request.operation == 'CREATE' || {shape.changed}"),),
        variables=(
            ("pod", shape.pod),
            ("containers", "variables.pod.containers + (has(variables.pod.initContainers)"
                           " ? variables.pod.initContainers : [])"),
            *((("ephemeral", "has(variables.pod.ephemeralContainers) ? variables.pod.ephemeralContainers : []"),)
              if shape.is_pod else ()),
        ),
        rules=(*_images(shape, rules), *_host(shape), *_privileges(shape), *_placement(shape, rules)),
    )  # fmt: skip


def _all(shape: _Shape, condition: str) -> str:
    """Whether a condition on container `c` holds for all of them. Ephemeral ones are of another type."""
    text = f"variables.containers.all(c, {condition})"
    return f"{text} && variables.ephemeral.all(c, {condition})" if shape.is_pod else text


def _images(shape: _Shape, rules: PodRules) -> tuple[Rule, ...]:
    known = " || ".join(f"c.image.startsWith({quoted(prefix)})" for prefix in rules.registries)
    allowed = f"(has(c.image) && ({known}))"
    everything = "variables.containers"
    places = ", ".join(rules.registries)
    volume = " || ".join(f"v.image.reference.startsWith({quoted(prefix)})" for prefix in rules.registries)
    detail = (
        f"'image ' + {everything}.filter(c, !{allowed}).map(c, has(c.image) ? c.image : '(none)').join(', ') + "
        + quoted(f" is refused: images come from {places} only; {ADMIN}")
    )
    if shape.is_pod:
        detail = (
            f"({everything}.all(c, {allowed}) ? 'image of the debugging container is refused: images come from ' + "
        )
        detail += f"{quoted(f'{places} only; {ADMIN}')} : 'image ' + {everything}.filter(c, !{allowed})"
        detail += ".map(c, has(c.image) ? c.image : '(none)').join(', ') + "
        detail += f"{quoted(f' is refused: images come from {places} only; {ADMIN}')})"
    return (
        Rule("registries", _all(shape, allowed), f"images come from {places} only; {ADMIN}", detail),
        Rule(
            "registries",
            each("variables.pod.volumes", "v", f"!has(v.image) || (has(v.image.reference) && ({volume}))"),
            f"image volumes come from {places} only; {ADMIN}",
        ),
    )


def _host(shape: _Shape) -> tuple[Rule, ...]:
    namespaces = " && ".join(unset(f"variables.pod.{name}") for name in ("hostNetwork", "hostPID", "hostIPC"))
    ports = each("c.ports", "p", "!has(p.hostPort) || p.hostPort == 0")
    return (
        Rule(
            "host-access",
            namespaces,
            "hostNetwork, hostPID and hostIPC are refused: pods do not share the node's namespaces",
        ),
        Rule(
            "host-access",
            each("variables.pod.volumes", "v", "!has(v.hostPath)"),
            "hostPath volumes are refused: ask for a PersistentVolumeClaim instead",
        ),
        Rule(
            "host-access",
            _all(shape, ports),
            "hostPort is refused: a Service reaches the pod without a port of the node",
        ),
    )


def _privileges(shape: _Shape) -> tuple[Rule, ...]:
    context = "c.securityContext"
    container = " && ".join(
        (
            unset(f"{context}.privileged"),
            unset(f"{context}.allowPrivilegeEscalation"),
            f"(!has({context}.runAsUser) || {context}.runAsUser != 0)",
            f"(!has({context}.procMount) || {context}.procMount == 'Default')",
            f"(!has({context}.capabilities) || !has({context}.capabilities.add)"
            f" || {context}.capabilities.add.all(a, a == 'NET_BIND_SERVICE'))",
            _confined(context),
        )
    )
    pod = "variables.pod.securityContext"
    whole = f"!has({pod}) || ((!has({pod}.runAsUser) || {pod}.runAsUser != 0) && {_confined(pod)}"
    whole += f" && {each(f'{pod}.sysctls', 's', 'false')})"
    why = "pods run without privileges, added capabilities, root, or switched-off seccomp and AppArmor"
    return (
        Rule("privileges", _all(shape, f"!has({context}) || ({container})"), f"a container is refused: {why}"),
        Rule("privileges", whole, f"the pod's security context is refused: {why}, and sets no sysctls"),
    )


def _confined(context: str) -> str:
    windows = f"(!has({context}.windowsOptions) || {unset(f'{context}.windowsOptions.hostProcess')})"
    profiles = " && ".join(
        f"(!has({context}.{name}) || !has({context}.{name}.type) || {context}.{name}.type != 'Unconfined')"
        for name in ("seccompProfile", "appArmorProfile")
    )
    return f"{profiles} && {windows}"


def _placement(shape: _Shape, rules: PodRules) -> tuple[Rule, ...]:
    node = "!has(variables.pod.nodeName) || variables.pod.nodeName == ''"
    if shape.is_pod:
        node = f"request.operation != 'CREATE' || {node}"
    classes = quoted_list(("", *rules.priority_classes))
    keys = quoted_list((*_AUTOMATIC_TOLERATIONS, *rules.tolerations))
    return (
        Rule("placement", node, "nodeName is refused: the scheduler chooses the node"),
        Rule(
            "placement",
            "!has(variables.pod.schedulerName) || variables.pod.schedulerName in ['', 'default-scheduler']",
            "another scheduler than the cluster's own is refused",
        ),
        Rule(
            "placement",
            # has(t.key) is what stops {operator: Exists}, which tolerates everything.
            each("variables.pod.tolerations", "t", f"has(t.key) && t.key in {keys}"),
            f"a toleration is refused: only those of GPU classes are allowed, each with its key; {ADMIN}",
        ),
        Rule(
            "placement",
            "!has(variables.pod.nodeSelector)"
            " || variables.pod.nodeSelector.all(k, !k.startsWith('node-role.kubernetes.io/'))",
            "choosing nodes by their role is refused: those nodes run the platform",
        ),
        Rule(
            "priority",
            f"!has(variables.pod.priorityClassName) || variables.pod.priorityClassName in {classes}",
            f"the priority class is refused: use one of {', '.join(rules.priority_classes)}; {ADMIN}",
        ),
    )
