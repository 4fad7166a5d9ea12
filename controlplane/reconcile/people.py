"""The list of groups in which people may be spoken for at the API server."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from components.isolation.people import people_rules
from components.names import PEOPLE_CLUSTER_ROLE
from controlplane.errors import Temporary
from controlplane.kube import resources
from controlplane.kube.client import Kube
from controlplane.kube.errors import Conflict

_TRIES = 6


class PeopleRole:
    """Several processes may write at once: whoever read the tenants last wins."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube

    def keep(self, tenants: Callable[[], Iterable[str]]) -> bool:
        """Makes the role list exactly the groups of these tenants (slugs); True where that took a write.

        `tenants` is asked after the role was read, and the write is refused where the role has changed since: so no
        older list of tenants replaces a newer one. Raises Temporary, or what the API server answers.
        """
        for _ in range(_TRIES):
            found = self._kube.find(resources.CLUSTER_ROLE, None, PEOPLE_CLUSTER_ROLE)
            rules = people_rules(tenants())
            if found is not None and found.get("rules") == rules:
                return False
            metadata = {"name": PEOPLE_CLUSTER_ROLE}
            if found is not None:
                metadata["resourceVersion"] = found["metadata"]["resourceVersion"]
            role = {
                "apiVersion": resources.CLUSTER_ROLE.api_version, "kind": resources.CLUSTER_ROLE.kind,
                "metadata": metadata, "rules": rules,
            }  # fmt: skip
            try:
                self._kube.apply(role)
            except Conflict:
                continue
            return True
        raise Temporary(f"ClusterRole {PEOPLE_CLUSTER_ROLE} is changed by others all the time")
