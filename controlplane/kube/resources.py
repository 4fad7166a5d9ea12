"""Where an object lives in the REST API: kind → path. Pure, but for kinds that only the API server can name."""

from __future__ import annotations

from dataclasses import dataclass

from components.contract import KubernetesObject


@dataclass(frozen=True)
class Resource:
    """One kind as the REST API knows it."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool = True

    @property
    def group(self) -> str:
        """API group; empty for the core group."""
        return self.api_version.rpartition("/")[0]

    def path(self, namespace: str | None, name: str | None = None) -> str:
        """Path of the collection or of one object. Without a namespace: the collection over all namespaces."""
        root = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        if self.namespaced and name is not None and not namespace:
            raise ValueError(f"{self.kind}/{name} needs a namespace")
        inside = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{root}{inside}/{self.plural}" + (f"/{name}" if name is not None else "")


NAMESPACE = Resource("v1", "Namespace", "namespaces", namespaced=False)
RESOURCE_QUOTA = Resource("v1", "ResourceQuota", "resourcequotas")
LIMIT_RANGE = Resource("v1", "LimitRange", "limitranges")
SERVICE_ACCOUNT = Resource("v1", "ServiceAccount", "serviceaccounts")
CONFIG_MAP = Resource("v1", "ConfigMap", "configmaps")
SECRET = Resource("v1", "Secret", "secrets")
POD = Resource("v1", "Pod", "pods")
NETWORK_POLICY = Resource("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies")
ROLE = Resource("rbac.authorization.k8s.io/v1", "Role", "roles")
CLUSTER_ROLE = Resource("rbac.authorization.k8s.io/v1", "ClusterRole", "clusterroles", namespaced=False)
ROLE_BINDING = Resource("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings")
API_SERVICE = Resource("apiregistration.k8s.io/v1", "APIService", "apiservices", namespaced=False)
TOKEN_REVIEW = Resource("authentication.k8s.io/v1", "TokenReview", "tokenreviews", namespaced=False)
ACCESS_REVIEW = Resource(
    "authorization.k8s.io/v1", "SubjectAccessReview", "subjectaccessreviews", namespaced=False
)  # fmt: skip

KNOWN = {
    (resource.api_version, resource.kind): resource
    for resource in (
        NAMESPACE, RESOURCE_QUOTA, LIMIT_RANGE, SERVICE_ACCOUNT, CONFIG_MAP, SECRET, POD, NETWORK_POLICY, ROLE,
        CLUSTER_ROLE, ROLE_BINDING, API_SERVICE, TOKEN_REVIEW, ACCESS_REVIEW,
    )
}  # fmt: skip


def key(obj: KubernetesObject) -> str:
    """`Kind/name`, the way an object is called in drift rows and error messages."""
    return f"{obj['kind']}/{obj['metadata']['name']}"
