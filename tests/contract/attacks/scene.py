"""Who attacks, with what, and how an attempt is judged: refused with 403, and nothing changed."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from components.contract import KubernetesObject
from controlplane.kube.resources import Resource
from controlplane.reconcile.model import WorkspaceSpec
from tests.contract.reconcile.world import REGISTRY, Actor, World, absent

RBAC = "rbac.authorization.k8s.io"
IMAGE = f"{REGISTRY}workspace:1"


@dataclass(frozen=True)
class Scene:
    """Tenant `own` attacks, tenant `other` is attacked."""

    world: World
    own: WorkspaceSpec
    other: WorkspaceSpec
    actors: dict[str, Actor]
    """The tenant's admin, member and viewer, and the workload account of its workspace."""
    stock_admin: Actor
    """Bound to Kubernetes' own `admin` role in the workspace: only admission stands in this one's way."""

    @property
    def all_actors(self) -> tuple[Actor, ...]:
        return (*self.actors.values(), self.stock_admin)

    def refuse_creation(self, obj: KubernetesObject, *, rule: str | None = None, stock: bool = True) -> None:
        """Nobody may create this. `rule` is the admission rule that must stop who has every right by RBAC."""
        for actor in self.all_actors if stock else self.actors.values():
            answer = actor.create(obj)
            assert answer.code == 403, f"{actor.name}: {answer.code} {answer.message}\n{obj}"
            assert absent(self.world.admin, obj), f"{actor.name} made it: {obj}"
            if rule is not None and actor is self.stock_admin:
                assert f"(rule: {rule})" in answer.message, answer.message

    def refuse_change(
        self,
        resource: Resource,
        name: str,
        patch: KubernetesObject,
        *,
        namespace: str | None = None,
        rules: tuple[str, ...] = (),
        content_type: str = "application/merge-patch+json",
    ) -> None:
        """Nobody may make this change to what exists; one of the rules answers who has every right by RBAC.

        Some fields are fixed by the API server itself once it has filled them in (422), a moment after creation.
        """
        where = namespace if resource.namespaced else None
        path = resource.path(where, name)
        before = self.world.admin.get(resource, where, name)
        for actor in self.all_actors:
            answer = actor.attempt("PATCH", path, patch, content_type)
            assert answer.code in (403, 422), f"{actor.name}: {answer.code} {answer.message}\n{patch}"
            if rules and actor is self.stock_admin and answer.code == 403:
                assert any(f"(rule: {rule})" in answer.message for rule in rules), answer.message
        assert self.world.admin.get(resource, where, name)["metadata"]["uid"] == before["metadata"]["uid"]
        assert _content(self.world.admin.get(resource, where, name)) == _content(before)

    def refuse_deletion(self, resource: Resource, name: str, *, namespace: str | None) -> None:
        """Nobody may delete this, by name or by the collection."""
        before = self.world.admin.get(resource, namespace, name)
        for actor in self.all_actors:
            paths = [resource.path(namespace, name)] + ([resource.path(namespace)] if resource.namespaced else [])
            for path in paths:
                answer = actor.attempt("DELETE", path)
                assert answer.code == 403, f"{actor.name} DELETE {path}: {answer.code} {answer.message}"
        assert lasting(self.world.admin.get(resource, namespace, name))["metadata"] == lasting(before)["metadata"]


def lasting(obj: KubernetesObject) -> KubernetesObject:
    """Without what a controller changes that writes a status: of a quota, whenever anything comes or goes."""
    meta = {key: value for key, value in obj["metadata"].items() if key not in ("resourceVersion", "managedFields")}
    return {**{key: value for key, value in obj.items() if key != "status"}, "metadata": meta}


def _content(obj: KubernetesObject) -> KubernetesObject:
    """Without status and the bookkeeping that controllers change meanwhile."""
    meta = {name: obj["metadata"].get(name) for name in ("labels", "ownerReferences", "finalizers")}
    found = obj["metadata"].get("annotations") or {}
    meta["annotations"] = {name: value for name, value in found.items() if not name.startswith("deployment.")}
    return {**{name: value for name, value in obj.items() if name != "status"}, "metadata": meta}


def stock_admin(world: World, namespace: str) -> Actor:
    """Somebody whom RBAC lets do nearly everything in the namespace."""
    group = f"stock-admins-of-{namespace}"
    world.admin.create(binding(namespace, "stock-admin", {"kind": "Group", "apiGroup": RBAC, "name": group}, "admin"))
    extra = role(namespace, "stock-extra", ["update", "patch", "create", "delete"], ["resourcequotas", "limitranges"])
    extra["rules"] += [
        {"apiGroups": [""], "resources": ["pods/ephemeralcontainers", "endpoints", "podtemplates"], "verbs": _CHANGE},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": _CHANGE},
        {
            "apiGroups": [RBAC],
            "resources": ["roles", "rolebindings", "clusterroles"],
            "verbs": [*_CHANGE, "escalate", "bind"],
        },
    ]
    world.admin.create(extra)
    world.admin.create(
        binding(namespace, "stock-extra", {"kind": "Group", "apiGroup": RBAC, "name": group}, "stock-extra", "Role")
    )
    return world.person("stock-admin", group)


_CHANGE = ["create", "update", "patch", "delete", "deletecollection"]


def in_namespace(api_version: str, kind: str, namespace: str, name: str, **content: Any) -> KubernetesObject:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": namespace}, **content}


def role(
    namespace: str, name: str, verbs: list[str], kinds: list[str], groups: list[str] | None = None
) -> dict[str, Any]:
    rules = [{"apiGroups": [""] if groups is None else groups, "resources": kinds, "verbs": verbs}]
    return in_namespace(f"{RBAC}/v1", "Role", namespace, name, rules=rules)


def binding(
    namespace: str, name: str, subject: dict[str, str], to: str, kind: str = "ClusterRole"
) -> KubernetesObject:  # fmt: skip
    reference = {"apiGroup": RBAC, "kind": kind, "name": to}
    return in_namespace(f"{RBAC}/v1", "RoleBinding", namespace, name, roleRef=reference, subjects=[subject])


def container(image: str = IMAGE, **changes: Any) -> dict[str, Any]:
    """A container as pod security `restricted` wants it."""
    context = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    return {"name": "main", "image": image, "securityContext": context} | changes


def pod_spec(**changes: Any) -> dict[str, Any]:
    return {"containers": [container()], "restartPolicy": "Never"} | changes


def pod(namespace: str, name: str, **changes: Any) -> KubernetesObject:
    return in_namespace("v1", "Pod", namespace, name, spec=pod_spec(**changes))


def workloads(namespace: str, name: str, spec: dict[str, Any]) -> dict[str, KubernetesObject]:
    """The same pod as every kind that has a template."""
    labels = {"app": name}
    forever = {**copy.deepcopy(spec), "restartPolicy": "Always"}
    template = {"metadata": {"labels": labels}, "spec": forever}
    once = {"metadata": {"labels": labels}, "spec": copy.deepcopy(spec)}
    selector = {"matchLabels": labels}
    apps = {"selector": selector, "template": template}
    return {
        "Pod": in_namespace("v1", "Pod", namespace, name, spec=copy.deepcopy(spec)),
        "Deployment": in_namespace("apps/v1", "Deployment", namespace, name, spec=apps),
        "StatefulSet": in_namespace("apps/v1", "StatefulSet", namespace, name, spec={**apps, "serviceName": name}),
        "ReplicaSet": in_namespace("apps/v1", "ReplicaSet", namespace, name, spec=apps),
        "DaemonSet": in_namespace("apps/v1", "DaemonSet", namespace, name, spec=apps),
        "ReplicationController": in_namespace(
            "v1", "ReplicationController", namespace, name, spec={"selector": labels, "template": template}
        ),
        "PodTemplate": in_namespace("v1", "PodTemplate", namespace, name, template=template),
        "Job": in_namespace("batch/v1", "Job", namespace, name, spec={"template": once}),
        "CronJob": in_namespace(
            "batch/v1", "CronJob", namespace, name,
            spec={"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": once}}},
        ),
    }  # fmt: skip
