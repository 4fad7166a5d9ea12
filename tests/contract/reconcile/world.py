"""A small installation on a real API server: isolation rules, the control plane's own rights, and people."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
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
from controlplane.kube.client import Kube
from controlplane.kube.errors import ApiError, NotFound
from controlplane.kube.transport import Patience
from controlplane.quotas.model import Quota
from controlplane.reconcile.model import WorkspaceSpec
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

    def create(self, obj: KubernetesObject) -> Answer:
        """POST of an object to where it belongs; again where quotas were just being counted, as the answer asks for."""
        path = self.kube.resource(obj["apiVersion"], obj["kind"]).path(obj["metadata"].get("namespace"))
        for _ in range(20):
            answer = self.attempt("POST", path, obj)
            if answer.code != 409 or "resourcequotas" not in answer.message:
                break
            time.sleep(0.1)
        return answer


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
        self._wait_for_policies()

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

    def _wait_for_policies(self) -> None:
        """A policy acts a moment after it was written: ask until a namespace of the platform's name is refused."""
        stranger = self.person("stranger", "strangers")
        role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "strangers"},
                "rules": [{"apiGroups": [""], "resources": ["namespaces"], "verbs": ["create"]}]}  # fmt: skip
        binding = {
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "metadata": {"name": "strangers"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "strangers"},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "strangers"}],
        }  # fmt: skip
        self.admin.apply(role)
        self.admin.apply(binding)
        probe = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ws-probe--probe"}}
        until(
            "the policies act",
            lambda: "(rule: namespaces)" in stranger.attempt("POST", "/api/v1/namespaces", probe, dryRun="All").message,
        )


def until(what: str, condition: Callable[[], bool], seconds: float = 90.0) -> None:
    """Waits for the cluster to come to it."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.05)


def absent(kube: Kube, obj: KubernetesObject) -> bool:
    """Whether an object is not in the cluster."""
    meta = obj["metadata"]
    try:
        kube.get(kube.resource(obj["apiVersion"], obj["kind"]), meta.get("namespace"), meta["name"])
    except NotFound:
        return True
    return False
