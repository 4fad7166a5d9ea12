"""Role assignments on a workspace's container."""

from __future__ import annotations

from azure.mgmt.authorization.models import RoleAssignmentCreateParameters

from components.facts import Azure
from controlplane.clouds.azure import grants
from controlplane.clouds.azure.client import Clients, translated
from controlplane.clouds.azure.grants import Assignment
from controlplane.clouds.patience import until_known
from controlplane.storage.errors import StorageRefused

_NOT_YET = frozenset({"PrincipalNotFound"})
"""What Azure says of an identity that Entra ID does not know everywhere yet."""


class Assignments:
    """Grants of the one role, on single containers."""

    def __init__(self, clients: Clients, azure: Azure) -> None:
        self._assignments = clients.authorization.role_assignments
        self._azure = azure

    def ensure(self, container: str, principal: str | None) -> int:
        """The principal has the role on the container, and no other identity has. None: nobody.

        Gives the number of writes. What is too much goes first.
        """
        scope = grants.container_scope(self._azure, container)
        found = self._at(scope)
        surplus = grants.surplus(found, scope, principal)
        for assignment in surplus:
            self._delete(assignment)
        if principal is None or any(grants.is_wanted(each, scope, principal) for each in found):
            return len(surplus)
        until_known(lambda: self._create(scope, principal), _NOT_YET)
        return len(surplus) + 1

    def _create(self, scope: str, principal: str) -> None:
        # The kind is said, else Azure would look the identity up where it is not known yet.
        body = RoleAssignmentCreateParameters(
            role_definition_id=grants.role_definition(self._azure),
            principal_id=principal,
            principal_type=grants.SERVICE_PRINCIPAL,
        )
        try:
            with translated("roleAssignments.create"):
                self._assignments.create(scope, grants.assignment_name(scope, principal), body)
        except StorageRefused as error:
            if error.code != "RoleAssignmentExists":
                raise

    def _delete(self, assignment: Assignment) -> None:
        """Absent is fine."""
        try:
            with translated("roleAssignments.delete"):
                self._assignments.delete_by_id(assignment.id)
        except StorageRefused as error:
            if error.status != 404:
                raise

    def _at(self, scope: str) -> list[Assignment]:
        """Those at the container and above it."""
        try:
            with translated("roleAssignments.listForScope"):
                listed = list(self._assignments.list_for_scope(scope, filter="atScope()"))
        except StorageRefused as error:
            if error.status == 404:
                return []
            raise
        return [
            Assignment(
                id=str(each.id),
                scope=str(each.scope),
                role=str(each.role_definition_id),
                principal=str(each.principal_id),
                kind=str(each.principal_type),
            )
            for each in listed
        ]
