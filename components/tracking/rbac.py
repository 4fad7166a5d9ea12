"""What each role needs in a workspace's namespace to use MLflow there. Pure data for the ClusterRoles of tenants.

The tracking server asks Kubernetes, for every call, whether the caller may `verb` these `resources` in the namespace
of the workspace that the call names (SubjectAccessReview; no such objects exist). Left out on purpose, so refused for
everybody: `assistants` (runs programs in the server), `gateway*` (the server would call addresses that callers choose)
and every subresource `use` of those.
"""

from __future__ import annotations

from typing import Any

API_GROUP = "mlflow.kubeflow.org"
RESOURCES = ("datasets", "experiments", "mcpservers", "registeredmodels")

_READ = ("get", "list")
_WRITE = ("create", "update")


def _rule(*verbs: str) -> dict[str, Any]:
    return {"apiGroups": [API_GROUP], "resources": list(RESOURCES), "verbs": list(verbs)}


VIEWER_RULES = (_rule(*_READ),)
"""Sees runs, models, artifacts and traces."""

MEMBER_RULES = (_rule(*_READ, *_WRITE, "delete"),)
"""Logs, registers, changes and deletes."""

ADMIN_RULES = MEMBER_RULES
"""MLflow has nothing that only a tenant's admin may do."""

WORKLOAD_RULES = (_rule(*_READ, *_WRITE),)
"""Pods of the workspace, as service account `workload`: all but deleting what others made."""
