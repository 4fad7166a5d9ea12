"""Names and marks of what a workspace has on a cloud. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from components.storage.clouds import workspace_prefix
from controlplane.reconcile.model import WorkspaceSpec

ACCOUNT = "workload"
"""Service account of a workspace that has the cloud identity."""

_CONTEXT = "mlp/workspace-cloud/v1"


def cloud_name(installation: str, place: str, spec: WorkspaceSpec) -> str:
    """Of the workspace's bucket, role, identity: at most 52 lower-case letters, digits and dashes.

    It says neither tenant nor workspace, since names of buckets are known to the whole world, and follows the
    workspace's uid, so that a later workspace of the same name gets nothing of an earlier one. `place`: account,
    project or subscription.
    """
    text = "\0".join((_CONTEXT, place, installation, spec.namespace, spec.uid))
    return workspace_prefix(installation) + hashlib.sha256(text.encode()).hexdigest()[:20]


def subject(spec: WorkspaceSpec) -> str:
    """What the cluster's issuer calls the workspace's service account."""
    return f"system:serviceaccount:{spec.namespace}:{ACCOUNT}"


def marks(installation: str, spec: WorkspaceSpec, separator: str) -> dict[str, str]:
    """Tags or labels: by the first two it is known as ours, the others are for people.

    `separator` stands after `mlp`. Where it is `_`, no other sign is in a key: some clouds take no dash.
    """
    return {
        f"mlp{separator}installation": installation,
        _uid_key(separator): spec.uid,
        f"mlp{separator}tenant": spec.tenant,
        f"mlp{separator}workspace": spec.name,
    }


def owner(found: Mapping[str, str], installation: str, separator: str) -> str | None:
    """uid of the workspace that the tags name; None where they are not of this installation."""
    if found.get(f"mlp{separator}installation") != installation:
        return None
    return found.get(_uid_key(separator))


def _uid_key(separator: str) -> str:
    return "mlp_workspace_uid" if separator == "_" else f"mlp{separator}workspace-uid"
