"""Isolation of tenants: cluster-wide roles, admission policies, fair queues and priorities."""
