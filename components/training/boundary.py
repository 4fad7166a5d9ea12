"""The controllers write in workspaces only, whatever their rights in the cluster say. Pure."""

from __future__ import annotations

import json
from typing import Any

from components import kubernetes as k8s
from components.contract import KubernetesObject
from components.names import LABEL_TENANT
from components.training.names import CONTROLLERS, NAME, NAMESPACE
from components.training.rbac import TRAINER_GROUP

_POLICY = "mlp-training-controllers"


def boundary() -> tuple[KubernetesObject, KubernetesObject]:
    """An admission policy and its binding: a stolen token of a controller changes nothing outside of workspaces, and
    enters no pod anywhere."""
    accounts = json.dumps([f"system:serviceaccount:{NAMESPACE}:{name}" for name in CONTROLLERS])
    labels = "namespaceObject.metadata.labels"
    place = (
        f"namespaceObject == null ? request.resource.group == '{TRAINER_GROUP}'"
        f" : (has({labels}) && '{LABEL_TENANT}' in {labels}) || request.namespace == '{NAMESPACE}'"
    )
    constraints: dict[str, Any] = {"matchPolicy": "Equivalent", "namespaceSelector": {}, "objectSelector": {}}
    everything = {
        "apiGroups": ["*"],
        "apiVersions": ["*"],
        "operations": ["CREATE", "UPDATE", "DELETE", "CONNECT"],
        "resources": ["*/*"],
        "scope": "*",
    }
    return (
        _object(
            "ValidatingAdmissionPolicy",
            failurePolicy="Fail",
            matchConstraints={**constraints, "resourceRules": [everything]},
            matchConditions=[
                {"name": "a-training-controller", "expression": f"request.userInfo.username in {accounts}"}
            ],
            validations=[
                _validation(place, "training's controllers write in workspaces only"),
                _validation("request.operation != 'CONNECT'", "training's controllers do not enter pods"),
            ],
        ),
        _object(
            "ValidatingAdmissionPolicyBinding",
            policyName=_POLICY,
            validationActions=["Deny", "Audit"],
            matchResources=constraints,
        ),
    )


def _object(kind: str, **spec: Any) -> KubernetesObject:
    return k8s.obj("admissionregistration.k8s.io/v1", kind, NAME, _POLICY, namespaced=False, spec=spec)


def _validation(allow: str, message: str) -> dict[str, str]:
    return {"expression": allow, "message": f"{message} (rule: training-controllers)", "reason": "Forbidden"}
