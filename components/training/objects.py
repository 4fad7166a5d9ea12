"""Everything of the component in the order in which it is applied."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from components import kubernetes as k8s
from components.admission import served
from components.contract import Install, KubernetesObject, ServerName, Upstream
from components.training.boundary import boundary
from components.training.controllers import UNUSED_SECRET, controller_objects, host, server_name
from components.training.images import VERSION
from components.training.launcher import launcher_storage
from components.training.names import CONTROLLERS, JOBSET, NAME, NAMESPACE, OPERATOR, TRAINER, TRAINING_IMAGE
from components.training.rbac import (
    JOBSET_RULES,
    OPERATOR_OWN_RULES,
    RUNTIME_READERS,
    TRAINER_RULES,
    Rule,
    operator_rules,
)
from components.training.runtimes import runtimes
from components.training.settings import TrainingSettings
from components.upstream import WEBHOOK_PORT, Server, definitions, webhooks

UPSTREAM = (
    Upstream(
        OPERATOR,
        "training-operator",
        "github.com/kubeflow/training-operator",
        ("manifests/base/crds/*.yaml", "manifests/base/webhook/manifests.yaml"),
    ),
    Upstream(
        TRAINER,
        "trainer",
        "github.com/kubeflow/trainer/v2",
        ("manifests/base/crds/*.yaml", "manifests/base/webhook/manifests.yaml"),
    ),
    Upstream(
        JOBSET,
        "jobset",
        "sigs.k8s.io/jobset",
        ("config/components/crd/bases/*.yaml", "config/components/webhook/manifests.yaml"),
    ),
)
SERVER_NAMES = tuple(ServerName(server_name(name), (host(name),)) for name in CONTROLLERS)

_RBAC = "rbac.authorization.k8s.io"
_OTHER_JOBS = ("jaxjobs", "paddlejobs", "xgboostjobs")
_READERS = "mlp-training-runtimes"
_PUBLIC = "kubeflow-trainer-public"
_EVERYBODY = {"apiGroup": _RBAC, "kind": "Group", "name": "system:authenticated"}
_JOBSET_PODS = "jobset.sigs.k8s.io/jobset-name"


def objects(settings: TrainingSettings, install: Install) -> tuple[KubernetesObject, ...]:
    """Webhooks come last: until then nobody waits for them."""
    rights: dict[str, Sequence[Rule]] = {
        OPERATOR: operator_rules(mpi_jobs=settings.mpi_jobs),
        TRAINER: TRAINER_RULES,
        JOBSET: JOBSET_RULES,
    }
    return (
        k8s.namespace(NAME),
        *_definitions(settings, install),
        k8s.default_deny(NAME),
        k8s.allow(
            NAME,
            "controllers",
            # Who asks is the API server, whose address clouds do not tell.
            ingress=[{"ports": k8s.ports(WEBHOOK_PORT)}],
            egress=[k8s.to_dns(), *k8s.to_api_server(install.facts.network.api_server_endpoints)],
        ),
        *boundary(),
        *(launcher_storage().objects() if settings.mpi_jobs and served(install.facts.kubernetes_version) else ()),
        *(obj for name, rules in rights.items() for obj in k8s.cluster_role(NAME, name, rules, name)),
        *_own_role(),
        *_runtime_readers(),
        *_version(),
        k8s.secret(NAME, UNUSED_SECRET, {}),
        *(obj for name in CONTROLLERS for obj in controller_objects(name, settings, install)),
        *_webhooks(install),
        *runtimes(settings, install.images[TRAINING_IMAGE]),
    )


def _definitions(settings: TrainingSettings, install: Install) -> tuple[KubernetesObject, ...]:
    """Kinds that no controller here looks after are left out: objects of them would do nothing."""
    without = [f"{plural}.kubeflow.org" for plural in (*_OTHER_JOBS, *(() if settings.mpi_jobs else ("mpijobs",)))]
    return tuple(obj for upstream in UPSTREAM for obj in definitions(install, upstream.name, NAME, but=without))


def _webhooks(install: Install) -> tuple[KubernetesObject, ...]:
    """Runtimes of the cluster come from the installer and are not asked about."""
    servers = {name: Server(NAME, name, install.certificates[server_name(name)].ca) for name in CONTROLLERS}
    jobset = webhooks(install, JOBSET, servers[JOBSET])
    for made in jobset:
        for hook in made["webhooks"]:
            if hook["rules"][0]["resources"] == ["pods"]:
                hook["objectSelector"] = {"matchExpressions": [{"key": _JOBSET_PODS, "operator": "Exists"}]}
    return (
        *webhooks(install, OPERATOR, servers[OPERATOR], _of_kinds("tfjob", "pytorchjob")),
        *webhooks(install, TRAINER, servers[TRAINER], lambda name: ".clustertrainingruntime." not in name),
        *jobset,
    )


def _of_kinds(*kinds: str) -> Callable[[str], bool]:
    return lambda name: any(f".{kind}." in name for kind in kinds)


def _own_role() -> tuple[KubernetesObject, KubernetesObject]:
    """Training Operator's rights in the component's own namespace."""
    return (
        k8s.obj(f"{_RBAC}/v1", "Role", NAME, OPERATOR, rules=[dict(rule) for rule in OPERATOR_OWN_RULES]),
        k8s.obj(
            f"{_RBAC}/v1", "RoleBinding", NAME, OPERATOR,
            roleRef={"apiGroup": _RBAC, "kind": "Role", "name": OPERATOR},
            subjects=[{"kind": "ServiceAccount", "name": OPERATOR, "namespace": NAMESPACE}],
        ),
    )  # fmt: skip


def _version() -> tuple[KubernetesObject, ...]:
    """Where Kubeflow's SDK looks for Trainer's version, readable for everybody whom the cluster knows."""
    only = {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": [_PUBLIC], "verbs": ["get"]}
    return (
        k8s.config_map(NAME, _PUBLIC, {"kubeflow_trainer_version": f"v{VERSION}"}),
        k8s.obj(f"{_RBAC}/v1", "Role", NAME, _PUBLIC, rules=[only]),
        k8s.obj(
            f"{_RBAC}/v1", "RoleBinding", NAME, _PUBLIC,
            roleRef={"apiGroup": _RBAC, "kind": "Role", "name": _PUBLIC},
            subjects=[_EVERYBODY],
        ),
    )  # fmt: skip


def _runtime_readers() -> tuple[KubernetesObject, KubernetesObject]:
    """Everybody known may see which runtimes there are: tenants' groups have no common name, and it is no secret."""
    return (
        k8s.obj(
            f"{_RBAC}/v1", "ClusterRole", NAME, _READERS, namespaced=False, rules=[dict(r) for r in RUNTIME_READERS]
        ),
        k8s.obj(
            f"{_RBAC}/v1", "ClusterRoleBinding", NAME, _READERS, namespaced=False,
            roleRef={"apiGroup": _RBAC, "kind": "ClusterRole", "name": _READERS},
            subjects=[_EVERYBODY],
        ),
    )  # fmt: skip
