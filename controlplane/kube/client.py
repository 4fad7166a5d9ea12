"""The verbs of the Kubernetes API that the control plane uses, over plain data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx2

from components.contract import KubernetesObject
from components.names import FIELD_MANAGER
from controlplane.kube import resources
from controlplane.kube.errors import NotFound, Rejected
from controlplane.kube.resources import Resource
from controlplane.kube.transport import Counter, Patience, Transport, load_config, without_user

_PAGE = 500
_METADATA_ONLY = "application/json;as={};g=meta.k8s.io;v=v1,application/json"


@dataclass(frozen=True)
class TokenIdentity:
    """Who a Kubernetes token belongs to, by the API server's word."""

    username: str
    uid: str
    groups: tuple[str, ...]
    audiences: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Access:
    """One question to RBAC: may `user` in `groups` do `verb` on this?"""

    user: str
    groups: tuple[str, ...]
    verb: str
    group: str
    resource: str
    namespace: str
    name: str = ""
    subresource: str = ""


@dataclass
class Kube:
    """A client of one API server. Threads may share it; each process makes its own."""

    transport: Transport
    counter: Counter = field(default_factory=Counter)
    discovered: dict[tuple[str, str], Resource] = field(default_factory=dict)

    @classmethod
    def connect(
        cls,
        kubeconfig: Path | None = None,
        *,
        pool: int = 32,
        patience: Patience | None = None,
        transport: httpx2.BaseTransport | None = None,
    ) -> Self:
        """By the kubeconfig's current context; without one, as the pod's service account. Sends nothing yet."""
        return cls(Transport(load_config(kubeconfig), pool=pool, patience=patience, transport=transport))

    @classmethod
    def nobody(
        cls, kubeconfig: Path | None = None, *, patience: Patience | None = None,
        transport: httpx2.BaseTransport | None = None,
    ) -> Self:  # fmt: skip
        """A client of the same server without credentials: every call must bring its own."""
        return cls(Transport(without_user(load_config(kubeconfig)), patience=patience, transport=transport))

    def counted(self) -> Kube:
        """The same client with a request count of its own, for one piece of work."""
        return Kube(self.transport, Counter(), self.discovered)

    def close(self) -> None:
        """Closes every connection, also those of `counted` copies."""
        self.transport.close()

    def resource(self, api_version: str, kind: str) -> Resource:
        """Known kinds cost nothing; others are asked for once and remembered. NotFound: the kind is not installed."""
        known = resources.KNOWN.get((api_version, kind)) or self.discovered.get((api_version, kind))
        if known is not None:
            return known
        root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        found = self._send("GET", root)
        for item in found.get("resources") or ():
            if "/" not in item["name"]:
                served = Resource(api_version, item["kind"], item["name"], bool(item["namespaced"]))
                self.discovered[api_version, item["kind"]] = served
        if (api_version, kind) not in self.discovered:
            raise NotFound(f"the API server serves no {kind} in {api_version}; is its component installed?")
        return self.discovered[api_version, kind]

    def apply(self, obj: KubernetesObject, *, uid: str | None = None, dry_run: bool = False) -> KubernetesObject:
        """Server-side apply as the control plane's field manager, by force: these objects are ours.

        With `uid` the object must exist and be that very one, else Conflict.
        """
        meta = obj["metadata"]
        path = self._of(obj).path(meta.get("namespace"), meta["name"])
        params = {"fieldManager": FIELD_MANAGER, "force": "true"} | ({"dryRun": "All"} if dry_run else {})
        body = obj if uid is None else {**obj, "metadata": {**meta, "uid": uid}}
        return self._send("PATCH", path, params=params, body=body, content_type="application/apply-patch+yaml")

    def create(
        self, obj: KubernetesObject, *, resource: Resource | None = None, headers: dict[str, str] | None = None
    ) -> KubernetesObject:  # fmt: skip
        """Creates; AlreadyExists where an object of that name is there.

        `headers`: whose call it is, where not ours; then `resource` must say where it goes, or we would ask for that.
        """
        path = (resource or self._of(obj)).path(obj["metadata"].get("namespace"))
        return self._send("POST", path, params={"fieldManager": FIELD_MANAGER}, body=obj, headers=headers)

    def merge(self, resource: Resource, namespace: str | None, name: str, patch: KubernetesObject) -> KubernetesObject:
        """A JSON merge patch: null removes a field that somebody else added."""
        path = resource.path(namespace, name)
        params = {"fieldManager": FIELD_MANAGER}
        return self._send("PATCH", path, params=params, body=patch, content_type="application/merge-patch+json")

    def get(self, resource: Resource, namespace: str | None, name: str) -> KubernetesObject:
        """One object; NotFound where it is absent."""
        return self._send("GET", resource.path(namespace, name))

    def find(self, resource: Resource, namespace: str | None, name: str) -> KubernetesObject | None:
        """One object, or None where it is absent."""
        try:
            return self.get(resource, namespace, name)
        except NotFound:
            return None

    def list_page(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        labels: str = "",
        fields: str = "",
        metadata_only: bool = False,
        token: str = "",
    ) -> KubernetesObject:
        """One page of at most 500, as the API's List. `metadata_only` leaves spec and data on the server."""
        params = {"limit": str(_PAGE), "labelSelector": labels, "fieldSelector": fields, "continue": token}
        accept = _METADATA_ONLY.format("PartialObjectMetadataList") if metadata_only else "application/json"
        chosen = {name: value for name, value in params.items() if value}
        return self._send("GET", resource.path(namespace), params=chosen, headers={"Accept": accept})

    def list(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        labels: str = "",
        fields: str = "",
        metadata_only: bool = False,
    ) -> Iterator[KubernetesObject]:
        """Every object, page by page; each with apiVersion and kind, which the API leaves out of lists."""
        token = ""
        while True:
            page = self.list_page(
                resource, namespace, labels=labels, fields=fields, metadata_only=metadata_only, token=token
            )
            for item in page.get("items") or ():
                yield {**item, "apiVersion": resource.api_version, "kind": resource.kind}
            token = (page.get("metadata") or {}).get("continue") or ""
            if not token:
                return

    def delete(
        self, resource: Resource, namespace: str | None, name: str, *, uid: str | None = None, grace: int | None = None
    ) -> bool:
        """False where it was absent already. With `uid` only that very object goes, else Conflict."""
        options: dict[str, Any] = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        if grace is not None:
            options["gracePeriodSeconds"] = grace
        try:
            self._send("DELETE", resource.path(namespace, name), body=options)
        except NotFound:
            return False
        return True

    def delete_all(self, resource: Resource, namespace: str, *, grace: int | None = None) -> None:
        """Deletes every object of the kind in the namespace."""
        if not namespace:
            raise ValueError("a namespace is needed: a whole kind is never deleted over the cluster")
        options: dict[str, Any] = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}
        if grace is not None:
            options["gracePeriodSeconds"] = grace
        self._send("DELETE", resource.path(namespace), body=options)

    def token_review(self, token: str, audiences: Sequence[str] = ()) -> TokenIdentity | None:
        """Whose token this is; None where it is not valid (for these audiences)."""
        spec: dict[str, Any] = {"token": token} | ({"audiences": list(audiences)} if audiences else {})
        status = self._review(resources.TOKEN_REVIEW, spec)
        accepted = tuple(status.get("audiences") or ())
        if not status.get("authenticated") or (audiences and not set(audiences) & set(accepted)):
            return None
        user = status["user"]
        return TokenIdentity(user["username"], user.get("uid", ""), tuple(user.get("groups") or ()), accepted)

    def token_request(self, namespace: str, account: str, seconds: int) -> str:
        """A new token of a service account for the API server itself. `seconds` is its life, 600 at least."""
        path = f"{resources.SERVICE_ACCOUNT.path(namespace, account)}/token"
        kind = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest"}
        answer = self._send("POST", path, body={**kind, "spec": {"expirationSeconds": seconds}})
        return str(answer["status"]["token"])

    def allowed(self, access: Access) -> bool:
        """RBAC's answer, now: permissions are not cached here. Anything but a clear yes is no."""
        attributes = {
            "verb": access.verb, "group": access.group, "resource": access.resource, "namespace": access.namespace,
            "name": access.name, "subresource": access.subresource,
        }  # fmt: skip
        spec = {
            "user": access.user, "groups": list(access.groups),
            "resourceAttributes": {name: value for name, value in attributes.items() if value},
        }  # fmt: skip
        status = self._review(resources.ACCESS_REVIEW, spec)
        return bool(status.get("allowed")) and not status.get("denied")

    def _review(self, resource: Resource, spec: dict[str, Any]) -> dict[str, Any]:
        body = {"apiVersion": resource.api_version, "kind": resource.kind, "spec": spec}
        status = self._send("POST", resource.path(None), body=body).get("status")
        if not isinstance(status, dict):
            raise Rejected(f"{resource.kind} was answered without a status")
        return status

    def _of(self, obj: KubernetesObject) -> Resource:
        return self.resource(obj["apiVersion"], obj["kind"])

    def _send(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        headers: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        sent = {"Content-Type": content_type, **(headers or {})}
        return self.transport.request(method, path, counter=self.counter, params=params, body=body, headers=sent)
