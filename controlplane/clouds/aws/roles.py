"""The role of a workspace: who may become it, what it may do, and nothing beside that."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from components.storage.clouds import ROLE_PATH
from controlplane.clouds.aws.clients import Clients, translated
from controlplane.clouds.names import owner
from controlplane.storage.errors import IdentityTaken, StorageRefused

_POLICY = "workspace"
_SESSION_SECONDS = 3600
"""The shortest that AWS allows; pods renew theirs by themselves."""


class Roles:
    """Roles below ROLE_PATH that bear the tags of this installation."""

    def __init__(self, clients: Clients, installation: str, boundary: str) -> None:
        """`boundary`: ARN of the policy that bounds every role; empty for none."""
        self._iam = clients.iam
        self._installation = installation
        self._boundary = boundary

    def ensure(
        self,
        name: str,
        uid: str,
        *,
        trust: Mapping[str, Any],
        permissions: Mapping[str, Any] | None,
        tags: Mapping[str, str],
    ) -> int:
        """The role is there and exactly so; gives the number of writes. `permissions` None: it may do nothing.

        IdentityTaken: the name is another's role.
        """
        found = self._ours(name, uid)
        if found is None:
            self._create(name, trust, tags)
            return 1 + self._permit(name, permissions)
        return self._mend(name, found, trust) + self._strip(name) + self._permit(name, permissions)

    def forbid(self, name: str, uid: str) -> int:
        """The role may do nothing any more, with sessions that it has as well; gives the number of writes.

        Absent is fine. IdentityTaken as in `ensure`.
        """
        if self._ours(name, uid) is None:
            return 0
        return self._strip(name) + self._permit(name, None)

    def remove(self, name: str, uid: str) -> None:
        """What it may do first, then the role. Absent is fine, and so is another's role: it is left alone."""
        try:
            found = self._ours(name, uid)
        except IdentityTaken:
            return
        if found is None:
            return
        self._strip(name)
        self._permit(name, None)
        with translated("DeleteRole"):
            self._iam.delete_role(RoleName=name)

    def _ours(self, name: str, uid: str) -> Mapping[str, Any] | None:
        try:
            with translated("GetRole"):
                role: Mapping[str, Any] = self._iam.get_role(RoleName=name)["Role"]
        except StorageRefused as error:
            if error.code == "NoSuchEntity":
                return None
            raise
        tags = {tag["Key"]: tag["Value"] for tag in role.get("Tags", ())}
        if role["Path"] != ROLE_PATH or owner(tags, self._installation, ":") != uid:
            raise IdentityTaken("IAM role", name)
        return role

    def _create(self, name: str, trust: Mapping[str, Any], tags: Mapping[str, str]) -> None:
        bounded = {"PermissionsBoundary": self._boundary} if self._boundary else {}
        with translated("CreateRole"):
            self._iam.create_role(
                Path=ROLE_PATH,
                RoleName=name,
                AssumeRolePolicyDocument=json.dumps(trust),
                Description="Object storage of one workspace",
                MaxSessionDuration=_SESSION_SECONDS,
                Tags=[{"Key": key, "Value": value} for key, value in sorted(tags.items())],
                **bounded,
            )

    def _mend(self, name: str, found: Mapping[str, Any], trust: Mapping[str, Any]) -> int:
        writes = 0
        if found["AssumeRolePolicyDocument"] != trust:
            with translated("UpdateAssumeRolePolicy"):
                self._iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))
            writes += 1
        if self._boundary and found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn") != self._boundary:
            with translated("PutRolePermissionsBoundary"):
                self._iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=self._boundary)
            writes += 1
        if found.get("MaxSessionDuration") != _SESSION_SECONDS:
            with translated("UpdateRole"):
                self._iam.update_role(RoleName=name, MaxSessionDuration=_SESSION_SECONDS)
            writes += 1
        return writes

    def _strip(self, name: str) -> int:
        """Takes away what somebody else gave the role."""
        writes = 0
        for policy in list(self._attached(name)):
            with translated("DetachRolePolicy"):
                self._iam.detach_role_policy(RoleName=name, PolicyArn=policy)
            writes += 1
        for policy in [policy for policy in self._inline(name) if policy != _POLICY]:
            with translated("DeleteRolePolicy"):
                self._iam.delete_role_policy(RoleName=name, PolicyName=policy)
            writes += 1
        return writes

    def _attached(self, name: str) -> Iterator[str]:
        with translated("ListAttachedRolePolicies"):
            for page in self._iam.get_paginator("list_attached_role_policies").paginate(RoleName=name):
                yield from (policy["PolicyArn"] for policy in page["AttachedPolicies"])

    def _inline(self, name: str) -> list[str]:
        with translated("ListRolePolicies"):
            pages = self._iam.get_paginator("list_role_policies").paginate(RoleName=name)
            return [policy for page in pages for policy in page["PolicyNames"]]

    def _permit(self, name: str, wanted: Mapping[str, Any] | None) -> int:
        found = self._permitted(name)
        if found == wanted:
            return 0
        if wanted is None:
            with translated("DeleteRolePolicy"):
                self._iam.delete_role_policy(RoleName=name, PolicyName=_POLICY)
        else:
            with translated("PutRolePolicy"):
                self._iam.put_role_policy(RoleName=name, PolicyName=_POLICY, PolicyDocument=json.dumps(wanted))
        return 1

    def _permitted(self, name: str) -> Mapping[str, Any] | None:
        try:
            with translated("GetRolePolicy"):
                found: Mapping[str, Any] = self._iam.get_role_policy(RoleName=name, PolicyName=_POLICY)
        except StorageRefused as error:
            if error.code == "NoSuchEntity":
                return None
            raise
        document: Mapping[str, Any] = found["PolicyDocument"]
        return document
