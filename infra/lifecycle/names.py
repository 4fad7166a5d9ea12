"""Names that steps share: stacks and secrets of an installation."""

from __future__ import annotations

CLUSTER_STACK = "cluster"
COMPONENTS_STACK = "components"
CONTROL_PLANE_STACK = "controlplane"
ADDRESS_STACK = "address"
"""On clouds only: the DNS record of the gateway's load balancer, which is there after the components."""

ADMIN_ACCOUNT = "admin"
ADMIN_PASSWORD = "admin-password"  # noqa: S105 - the secret's name
PULUMI_PASSPHRASE = "pulumi-passphrase"  # noqa: S105 - the secret's name
