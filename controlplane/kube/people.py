"""Calls to the API server in a person's name: it decides as if the person had called, and notes who it was.

The token is that of the account which speaks for people (docs/adr/0009-people-at-the-kubernetes-api.md). The client has
no credentials of its own, so a call that lost the token is nobody's, not the control plane's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from components.contract import KubernetesObject
from components.names import ACCOUNT_EXTRA, PERSON_USER
from controlplane.kube.client import Kube
from controlplane.kube.resources import Resource


@dataclass(frozen=True)
class Person:
    """Somebody in one tenant: `group` is that of their role in it."""

    account: str
    group: str


class PeopleKube:
    """Threads share it. `token` raises Temporary where there is none to be had."""

    def __init__(self, kube: Kube, token: Callable[[], str]) -> None:
        self._kube = kube
        self._token = token

    def create(self, person: Person, resource: Resource, obj: KubernetesObject) -> KubernetesObject:
        """Creates an object of the resource as the person. ValueError where a part of the identity is missing."""
        if not person.account or not person.group:
            raise ValueError("nobody to speak for: an account and a group are needed")
        headers = {
            "Authorization": f"Bearer {self._token()}",
            "Impersonate-User": PERSON_USER,
            "Impersonate-Group": person.group,
            # Header names hold no slash; the API server reads escapes in this one.
            f"Impersonate-Extra-{quote(ACCOUNT_EXTRA, safe='')}": person.account,
        }
        return self._kube.create(obj, resource=resource, headers=headers)

    def close(self) -> None:
        """Closes its connections."""
        self._kube.close()
