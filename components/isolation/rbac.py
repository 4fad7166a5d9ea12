"""ClusterRoles of tenants, and what the control plane itself may do."""

WORKLOAD_CLUSTER_ROLE = "mlp-workload"
"""What the pods of a workspace may do, bound to its service account `workload`."""
