"""Buckets and identities of workspaces on a cloud. One package per cloud; no other module speaks to that cloud's SDK.

Each gives `controlplane.reconcile.model.WorkspaceStorage`: names are derived, so a retry finds what an interrupted call
made; what bears no tags of this installation and workspace is never touched.
"""
