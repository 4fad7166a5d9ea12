"""Names that steps share: stacks and secrets of an installation."""

from __future__ import annotations

CLUSTER_STACK = "cluster"
COMPONENTS_STACK = "components"
CONTROL_PLANE_STACK = "controlplane"

ADMIN_ACCOUNT = "admin"
ADMIN_PASSWORD = "admin-password"  # noqa: S105 - the secret's name
PULUMI_PASSPHRASE = "pulumi-passphrase"  # noqa: S105 - the secret's name
