"""Who may do what with a workspace's bucket on GCP. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from components.facts import Gcp
from controlplane.clouds.names import ACCOUNT
from controlplane.reconcile.model import WorkspaceSpec

ROLE = "roles/storage.objectUser"
"""Reads, writes, lists and deletes objects; changes neither the bucket nor who may use it."""

_EVERYBODY = ("allUsers", "allAuthenticatedUsers")
_CONVENIENT = ("projectOwner:", "projectEditor:", "projectViewer:")
"""What a new bucket grants by itself to everybody with a basic role on the project, such as viewers."""

Binding = Mapping[str, Any]
"""role, members, and condition where there is one."""


def pool_prefix(gcp: Gcp) -> str:
    """What the principals of all service accounts of the project's clusters begin with."""
    return (
        f"principal://iam.googleapis.com/projects/{gcp.project_number}/locations/global/"
        f"workloadIdentityPools/{gcp.workload_pool}/subject/"
    )


def principal(gcp: Gcp, spec: WorkspaceSpec) -> str:
    """The workspace's service account itself, without a Google service account between."""
    return f"{pool_prefix(gcp)}ns/{spec.namespace}/sa/{ACCOUNT}"


def granted(found: Iterable[Binding], gcp: Gcp, member: str | None) -> list[dict[str, Any]]:
    """The bucket's bindings as they must be: the member has ROLE, no other pod and nobody unnamed has anything.

    None: nobody's pods. Other bindings, such as an auditor's, stay.
    """
    made: list[dict[str, Any]] = []
    for binding in found:
        members = {each for each in binding["members"] if not _foreign(each, gcp)}
        if members:
            made.append({**binding, "members": members})
    if member is not None:
        plain = next((b for b in made if b["role"] == ROLE and not b.get("condition")), None)
        if plain is None:
            made.append({"role": ROLE, "members": {member}})
        else:
            plain["members"] = plain["members"] | {member}
    return made


def same(one: Iterable[Binding], other: Iterable[Binding]) -> bool:
    """Whether two lists of bindings grant the same."""
    return _sorted(one) == _sorted(other)


def _foreign(member: str, gcp: Gcp) -> bool:
    """Pods of any workspace (the own one is added anew), and those whom a bucket lets in by itself."""
    pods = (pool_prefix(gcp), pool_prefix(gcp).replace("principal://", "principalSet://").removesuffix("subject/"))
    return member in _EVERYBODY or member.startswith((*_CONVENIENT, *pods, f"serviceAccount:{gcp.workload_pool}["))


def _sorted(bindings: Iterable[Binding]) -> list[tuple[str, str, list[str]]]:
    return sorted((b["role"], repr(b.get("condition")), sorted(b["members"])) for b in bindings)
