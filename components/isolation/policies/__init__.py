"""Admission policies of workspaces, one subject a module: what RBAC cannot express.

All of them fail closed, deny and leave an audit annotation. What an installation allows (registries, storage
classes) is written into the expressions when they are rendered, so no parameter object exists that anybody could edit.
"""
