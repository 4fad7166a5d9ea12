"""EKS Pod Identity: which role the pods of a service account get."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controlplane.clouds.aws.clients import Clients, translated
from controlplane.clouds.names import ACCOUNT, owner
from controlplane.clouds.patience import until_known
from controlplane.storage.errors import IdentityTaken

_NOT_YET = frozenset({"InvalidParameterException", "InvalidRequestException"})
"""What EKS says of a role that IAM made a moment ago."""


class Bindings:
    """Associations of service account `workload` in namespaces of one cluster."""

    def __init__(self, clients: Clients, installation: str, cluster: str) -> None:
        self._eks = clients.eks
        self._installation = installation
        self._cluster = cluster

    def ensure(self, namespace: str, uid: str, role: str, tags: Mapping[str, str]) -> int:
        """The account is bound to the role, by ARN; gives the number of writes.

        IdentityTaken: it is bound by somebody who is not us.
        """
        found = self._find(namespace)
        if found is None:
            until_known(lambda: self._create(namespace, role, tags), _NOT_YET)
            return 1
        if owner(found.get("tags", {}), self._installation, ":") != uid:
            # An earlier workspace of this name, whose removal was given up, cannot be told from a stranger's.
            raise IdentityTaken("Pod Identity association", f"{namespace}/{ACCOUNT}")
        if found["roleArn"] == role:
            return 0
        with translated("UpdatePodIdentityAssociation"):
            self._eks.update_pod_identity_association(
                clusterName=self._cluster, associationId=found["associationId"], roleArn=role
            )
        return 1

    def remove(self, namespace: str, uid: str) -> int:
        """Gives the number of writes. Absent is fine, and so is another's: it is left alone."""
        found = self._find(namespace)
        if found is None or owner(found.get("tags", {}), self._installation, ":") != uid:
            return 0
        with translated("DeletePodIdentityAssociation"):
            self._eks.delete_pod_identity_association(clusterName=self._cluster, associationId=found["associationId"])
        return 1

    def _create(self, namespace: str, role: str, tags: Mapping[str, str]) -> None:
        with translated("CreatePodIdentityAssociation"):
            self._eks.create_pod_identity_association(
                clusterName=self._cluster, namespace=namespace, serviceAccount=ACCOUNT, roleArn=role, tags=dict(tags)
            )

    def _find(self, namespace: str) -> Mapping[str, Any] | None:
        """An account has one at most."""
        with translated("ListPodIdentityAssociations"):
            listed = self._eks.list_pod_identity_associations(
                clusterName=self._cluster, namespace=namespace, serviceAccount=ACCOUNT
            )["associations"]
        if not listed:
            return None
        with translated("DescribePodIdentityAssociation"):
            found: Mapping[str, Any] = self._eks.describe_pod_identity_association(
                clusterName=self._cluster, associationId=listed[0]["associationId"]
            )["association"]
        return found
