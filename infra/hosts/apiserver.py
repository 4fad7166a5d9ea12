"""Files that the API server reads at start: audit policy, encryption, admission, authentication. Pure data."""

from __future__ import annotations

import base64
from typing import Any

Document = dict[str, Any]

ENCRYPTION_KEY_BYTES = 32
HEALTH_PATHS = ("/livez", "/readyz", "/healthz")

_RECORDED_WHOLE = (
    {"group": "", "resources": ["namespaces", "resourcequotas", "limitranges"]},
    {"group": "networking.k8s.io", "resources": ["networkpolicies"]},
    {"group": "rbac.authorization.k8s.io"},
    {"group": "admissionregistration.k8s.io"},
)
_SECRET = (
    {"group": "", "resources": ["secrets", "configmaps", "serviceaccounts/token"]},
    {"group": "authentication.k8s.io", "resources": ["tokenreviews", "tokenrequests"]},
)
_WRITES = ["create", "update", "patch", "delete", "deletecollection"]


def audit_policy() -> Document:
    """Who changed what: whole bodies of what decides about isolation, never a body of what may hold secrets.

    Reads are not recorded, but for secrets. Leases, events and status that components write all the time are left out.
    """
    return {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "omitManagedFields": True,
        "rules": [
            {
                "level": "None",
                "users": ["system:kube-controller-manager", "system:kube-scheduler", "system:apiserver"],
                "verbs": ["get", "list", "watch"],
            },
            {"level": "None", "resources": [{"group": "coordination.k8s.io", "resources": ["leases"]}]},
            {
                "level": "None",
                "resources": [
                    {"group": "", "resources": ["events", "nodes/status", "pods/status", "endpoints"]},
                    {"group": "events.k8s.io"},
                    {"group": "discovery.k8s.io"},
                ],
            },
            {"level": "Metadata", "resources": list(_SECRET), "verbs": [*_WRITES, "get", "list"]},
            {"level": "None", "verbs": ["get", "list", "watch"]},
            {"level": "RequestResponse", "resources": list(_RECORDED_WHOLE), "verbs": _WRITES},
            {"level": "None", "nonResourceURLs": ["/*"]},
            {
                "level": "None",
                "resources": [{"group": "authorization.k8s.io"}, {"group": "authentication.k8s.io"}],
            },
            {"level": "Metadata"},
        ],
    }


def encryption(key: bytes) -> Document:
    """Secrets are encrypted at rest; `identity` reads what was there before. Raises ValueError for a short key."""
    if len(key) != ENCRYPTION_KEY_BYTES:
        raise ValueError(f"the encryption key must have {ENCRYPTION_KEY_BYTES} bytes, not {len(key)}")
    named = {"name": "key1", "secret": base64.b64encode(key).decode()}
    return {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "EncryptionConfiguration",
        "resources": [
            {"resources": ["secrets"], "providers": [{"secretbox": {"keys": [named]}}, {"identity": {}}]},
        ],
    }


def admission() -> Document:
    """Namespaces that say nothing get pod security `baseline`; the cluster's own pods are exempt."""
    levels = {"enforce": "baseline", "audit": "restricted", "warn": "restricted"}
    versions = {f"{mode}-version": "latest" for mode in levels}
    return {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AdmissionConfiguration",
        "plugins": [
            {
                "name": "PodSecurity",
                "configuration": {
                    "apiVersion": "pod-security.admission.config.k8s.io/v1",
                    "kind": "PodSecurityConfiguration",
                    "defaults": {**levels, **versions},
                    "exemptions": {"usernames": [], "runtimeClasses": [], "namespaces": ["kube-system"]},
                },
            }
        ],
    }


def authentication() -> Document:
    """Who is not known may ask whether the server is healthy, nothing else."""
    return {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AuthenticationConfiguration",
        "anonymous": {"enabled": True, "conditions": [{"path": path} for path in HEALTH_PATHS]},
    }
