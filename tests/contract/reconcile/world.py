"""A small installation on a real API server: isolation rules, the control plane's own rights, and people."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from components.contract import Install, KubernetesObject
from components.control_plane.rights import API_RULES
from components.facts import Endpoint, Network, PlatformFacts
from components.isolation import COMPONENT, IsolationSettings
from components.isolation.rbac import CONTROL_PLANE_RULES, Rule
from components.names import (
    API_SERVICE_ACCOUNT,
    CONTROL_PLANE_SERVICE_ACCOUNT,
    SYSTEM_NAMESPACE,
    Role,
    tenant_group,
    workspace_namespace,
)
from controlplane.kube import resources
from controlplane.kube.client import Access, Kube
from controlplane.kube.errors import ApiError, Forbidden, NotFound
from controlplane.kube.resources import Resource
from controlplane.kube.transport import Patience
from controlplane.quotas.model import Quota
from controlplane.reconcile.model import WorkspaceSpec
from controlplane.reconcile.objects.common import WORKLOAD_ACCOUNT
from tests.servers.kubernetes import KubernetesServer

REGISTRY = "registry.mlp.local/"
FACTS = PlatformFacts(
    installation="contract",
    target="local",
    version="0.1.0",
    kubernetes_version="v1.36.3",
    public_url="https://localhost:8443",
    registry=REGISTRY,
    workspace_image=f"{REGISTRY}workspace:1",
    storage_class="mlp-local",
    network=Network(
        pods="10.244.0.0/16",
        services="10.96.0.0/16",
        nodes="10.250.0.0/24",
        api_server_endpoints=("10.250.0.2:6443",),
    ),
    components=("gateway", "storage"),
    gateway=Endpoint(
        url="https://gateway.mlp-gateway.svc:8443", namespace="mlp-gateway", pod_labels={"app": "gateway"}, port=8443
    ),
    storage=Endpoint(
        url="http://storage.mlp-storage.svc:9000", namespace="mlp-storage", pod_labels={"app": "storage"}, port=9000
    ),
    gpu_classes=("nvidia.com/gpu",),
)
QUOTA = Quota(cpu="8", memory="16Gi", storage="20Gi", pods=20)


def some_slug(prefix: str) -> str:
    """A slug that no other test of the run uses."""
    return f"{prefix}-{secrets.token_hex(4)}"


def some_spec(tenant: str | None = None, name: str | None = None, **changes: Any) -> WorkspaceSpec:
    """A workspace of a tenant of its own."""
    tenant, name = tenant or some_slug("t"), name or some_slug("w")
    values: dict[str, Any] = {"uid": secrets.token_hex(8), "generation": 1, "quota": QUOTA} | changes
    return WorkspaceSpec(tenant=tenant, name=name, namespace=workspace_namespace(tenant, name), **values)


@dataclass
class RememberedStorage:
    """Object storage that keeps what it was asked for; the real one has contract tests of its own."""

    users: dict[str, bool] = field(default_factory=dict)
    broken: Exception | None = None

    def environment(self, spec: WorkspaceSpec) -> Mapping[str, str]:
        return {"AWS_ACCESS_KEY_ID": spec.namespace, "AWS_SECRET_ACCESS_KEY": f"secret-of-{spec.uid}"}

    def annotations(self, spec: WorkspaceSpec) -> Mapping[str, str]:
        return {}

    def ensure(self, spec: WorkspaceSpec) -> int:
        if self.broken is not None:
            raise self.broken
        changed = self.users.get(spec.namespace) is not (not spec.suspended)
        self.users[spec.namespace] = not spec.suspended
        return int(changed)

    def remove(self, spec: WorkspaceSpec, *, keep_data: bool) -> None:
        self.users.pop(spec.namespace, None)


@dataclass(frozen=True)
class Answer:
    """What the API server said to an attempt."""

    code: int
    message: str = ""
    body: KubernetesObject = field(default_factory=dict)


@dataclass(frozen=True)
class Actor:
    """Somebody with a kubeconfig."""

    name: str
    kube: Kube

    def attempt(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json", **params: str
    ) -> Answer:
        """One request, whatever comes of it."""
        headers = {"Content-Type": content_type}
        try:
            found = self.kube.transport.request(
                method, path, counter=self.kube.counter, params=params, body=body, headers=headers
            )
        except ApiError as error:
            return Answer(error.code, str(error))
        return Answer(200, "", found)

    def create(self, obj: KubernetesObject, **params: str) -> Answer:
        """POST of an object to where it belongs."""
        path = self.kube.resource(obj["apiVersion"], obj["kind"]).path(obj["metadata"].get("namespace"))
        return self.attempt("POST", path, obj, **params)


class World:
    """Clients of one server, with the isolation rules and the control plane's account in place."""

    def __init__(self, server: KubernetesServer, folder: Path) -> None:
        self.server = server
        self._folder = folder
        self._open: list[Kube] = []
        self.admin = self.connect(server.kubeconfig)
        for obj in COMPONENT.objects(IsolationSettings(), Install(facts=FACTS, images={}, secrets={})):
            self.admin.apply(obj)
        self._install_control_plane()
        self.control_plane = self.account("control-plane", SYSTEM_NAMESPACE, CONTROL_PLANE_SERVICE_ACCOUNT).kube
        self.web = self.account("web", SYSTEM_NAMESPACE, API_SERVICE_ACCOUNT).kube
        self.wait_for_policies()
        for kube in (self.control_plane, self.web):
            until("the control plane has its rights", partial(_may_ask, kube))

    def close(self) -> None:
        for kube in self._open:
            kube.close()

    def connect(self, kubeconfig: Path) -> Kube:
        """A client that does not wait long."""
        kube = Kube.connect(kubeconfig, patience=Patience(timeout=20.0, total=20.0, attempts=4))
        self._open.append(kube)
        return kube

    def person(self, name: str, *groups: str) -> Actor:
        """Somebody in groups, by client certificate."""
        return Actor(name, self.connect(self.server.kubeconfig_for(f"user:{name}", groups)))

    def member(self, tenant: str, role: Role) -> Actor:
        """Somebody with a role in a tenant."""
        return self.person(f"{role.value}-of-{tenant}", tenant_group(tenant, role))

    def account(self, name: str, namespace: str, account: str) -> Actor:
        """A pod's identity, by a token of its service account."""
        token = self.server.service_account_token(namespace, account)
        path = self._folder / f"{namespace}-{account}.kubeconfig"
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(self.server.kubeconfig_with_token(token)))
        return Actor(name, self.connect(path))

    def _install_control_plane(self) -> None:
        self.admin.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SYSTEM_NAMESPACE}})
        self._install_account(CONTROL_PLANE_SERVICE_ACCOUNT, CONTROL_PLANE_RULES)
        self._install_account(API_SERVICE_ACCOUNT, API_RULES)

    def _install_account(self, name: str, rules: Sequence[Rule]) -> None:
        """A service account of the control plane with the rights that its component gives it."""
        rbac, role = "rbac.authorization.k8s.io", f"mlp-{name}"
        subject = {"kind": "ServiceAccount", "name": name, "namespace": SYSTEM_NAMESPACE}
        reference = {"apiGroup": rbac, "kind": "ClusterRole", "name": role}
        for obj in (
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": SYSTEM_NAMESPACE}},
            {"apiVersion": f"{rbac}/v1", "kind": "ClusterRole", "metadata": {"name": role}, "rules": list(rules)},
            {"apiVersion": f"{rbac}/v1", "kind": "ClusterRoleBinding", "metadata": {"name": role},
             "roleRef": reference, "subjects": [subject]},
        ):  # fmt: skip
            self.admin.apply(obj)

    def wait_for_policies(self) -> None:
        """Policies act a moment after they were written. The API server takes them over all together, so once those
        act that were written last, all do: one that refuses an object, and one that completes another."""
        refused, completed = some_slug("refused"), some_slug("completed")
        witnesses = _witnesses(refused, completed)
        root = Actor("root", self.admin)

        def act() -> bool:
            first, second = (root.create(_config_map("default", name), dryRun="All") for name in (refused, completed))
            return refused in first.message and completed in (second.body.get("metadata", {}).get("annotations") or {})

        try:
            for obj in witnesses:
                self.admin.apply(obj)
            until("the policies act", act)
        finally:
            for obj in reversed(witnesses):
                kind = self.admin.resource(obj["apiVersion"], obj["kind"])
                self.admin.delete(kind, None, obj["metadata"]["name"])

    def settle(self, spec: WorkspaceSpec) -> None:
        """Waits until the API server acts on what a reconciled workspace consists of. Rights, quotas and limits reach
        those who decide a moment after they were written, and not all at once."""
        self.settle_rights(spec.tenant, spec.namespace, suspended=spec.suspended)
        self.settle_quotas(spec.namespace, suspended=spec.suspended)

    def settle_rights(self, tenant: str, namespace: str, *, suspended: bool = False) -> None:
        """Waits for the rights of the tenant's people and of the workload account in a workspace."""
        expected = {
            (Role.VIEWER, "list", resources.POD): True,
            (Role.MEMBER, "list", resources.POD): True,
            (Role.MEMBER, "create", resources.POD): not suspended,
            (Role.ADMIN, "list", resources.POD): True,
            (Role.ADMIN, "create", resources.ROLE): not suspended,
            (Role.ADMIN, "create", resources.POD): not suspended,
        }
        for (role, verb, kind), right in expected.items():
            group = tenant_group(tenant, role)
            self.settle_access(access("user:some", group, verb=verb, kind=kind, namespace=namespace), right=right)
        account = f"system:serviceaccount:{namespace}:{WORKLOAD_ACCOUNT}"
        asked = access(account, verb="list", kind=resources.POD, namespace=namespace)
        self.settle_access(asked, right=not suspended)

    def settle_access(self, asked: Access, *, right: bool) -> None:
        """Waits until RBAC gives this answer."""
        until(f"allowed is {right}: {asked}", lambda: self.admin.allowed(asked) is right)

    def settle_quotas(self, namespace: str, *, suspended: bool = False) -> None:
        """Waits until a workspace's quotas are counted and admission goes by them and by its limits."""
        until("quotas are counted", lambda: self.counted(namespace))
        root = Actor("root", self.admin)
        none = _daemon_set(namespace)
        until(
            "the quota of objects acts",
            lambda: "exceeded quota: objects" in root.create(none, dryRun="All").message,
        )

        def limited() -> bool:
            answer = root.create(_pod(namespace), dryRun="All")
            if suspended:
                return "exceeded quota: compute" in answer.message
            return answer.code == 200 and "cpu" in answer.body["spec"]["containers"][0]["resources"].get("limits", {})

        until("limits and the quota of pods act", limited)
        quota = self.admin.get(resources.RESOURCE_QUOTA, namespace, "compute")
        for name in sorted(quota["spec"]["hard"]):
            if not suspended and name.startswith("requests.") and "/" in name:
                greedy = _pod(namespace, {name.removeprefix("requests."): "1000"})
                until(
                    f"the quota acts on {name}",
                    lambda obj=greedy: "exceeded quota: compute" in root.create(obj, dryRun="All").message,  # type: ignore[misc]
                )

    def counted(self, namespace: str) -> bool:
        """Whether a workspace's quotas have a status."""
        quotas = list(self.admin.list(resources.RESOURCE_QUOTA, namespace))
        return bool(quotas) and all(quota.get("status", {}).get("hard") == quota["spec"]["hard"] for quota in quotas)


def access(user: str, *groups: str, verb: str, kind: Resource, namespace: str = "", name: str = "") -> Access:
    """A question to RBAC about somebody."""
    return Access(
        user=user, groups=(*groups, "system:authenticated"), verb=verb, group=kind.group, resource=kind.plural,
        namespace=namespace, name=name,
    )  # fmt: skip


def _may_ask(kube: Kube) -> bool:
    """Both accounts of the control plane may ask about rights."""
    try:
        kube.allowed(access("user:nobody", verb="get", kind=resources.POD, namespace="default"))
    except Forbidden:
        return False
    return True


def _config_map(namespace: str, name: str) -> KubernetesObject:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}}


def _pod(namespace: str, limits: Mapping[str, str] | None = None) -> KubernetesObject:
    """One that every workspace admits, but for its limits."""
    container = {
        "name": "main", "image": FACTS.workspace_image, "resources": {"limits": dict(limits)} if limits else {},
        "securityContext": {
            "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }  # fmt: skip
    meta = {"name": some_slug("probe"), "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": [container]}}


def _daemon_set(namespace: str) -> KubernetesObject:
    """Of which no workspace may have any."""
    pod, labels = _pod(namespace), {"app": "probe"}
    template = {"metadata": {"labels": labels}, "spec": pod["spec"]}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": pod["metadata"], "spec": spec}


def _witnesses(refused: str, completed: str) -> list[KubernetesObject]:
    """Policies and then their bindings: a ConfigMap of the one name is refused, one of the other gets an annotation."""
    api = "admissionregistration.k8s.io/v1"
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}
    validating = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [rule]},
        "validations": [{"expression": f"object.metadata.name != '{refused}'", "message": refused}],
    }
    annotations = f"Object.metadata{{annotations: {{'{completed}': 'yes'}}}}"
    mutating = {
        "failurePolicy": "Fail",
        "reinvocationPolicy": "Never",
        "matchConstraints": {"resourceRules": [rule]},
        "matchConditions": [
            {"name": "the-one", "expression": f"has(object.metadata.name) && object.metadata.name == '{completed}'"}
        ],
        "mutations": [
            {
                "patchType": "ApplyConfiguration",
                "applyConfiguration": {"expression": f"Object{{metadata: {annotations}}}"},
            }
        ],
    }
    bound = {"policyName": refused, "validationActions": ["Deny"]}
    return [
        {"apiVersion": api, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": refused}, "spec": validating},
        {"apiVersion": api, "kind": "MutatingAdmissionPolicy", "metadata": {"name": completed}, "spec": mutating},
        {"apiVersion": api, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": refused}, "spec": bound},
        {"apiVersion": api, "kind": "MutatingAdmissionPolicyBinding", "metadata": {"name": completed},
         "spec": {"policyName": completed}},
    ]  # fmt: skip


def until(what: str, condition: Callable[[], bool], seconds: float = 90.0) -> None:
    """Waits for the cluster to come to it."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.05)


def served(kube: Kube, api_version: str, kind: str) -> bool:
    """Whether discovery names a kind and its storage is open. Both come a moment after its definition was taken."""
    try:
        kube.list_page(kube.resource(api_version, kind))
    except ApiError:
        return False
    return True


def absent(kube: Kube, obj: KubernetesObject) -> bool:
    """Whether an object is not in the cluster."""
    meta = obj["metadata"]
    try:
        kube.get(kube.resource(obj["apiVersion"], obj["kind"]), meta.get("namespace"), meta["name"])
    except NotFound:
        return True
    return False
