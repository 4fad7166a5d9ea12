"""local-path-provisioner, its StorageClass, and the rule that keeps its privileged namespace to its one purpose.

A claim's folder is made by a short helper pod on the node that the claim's first pod was placed on. Helper pods mount
the volumes' folder of their node, which pod security allows only at level privileged; so an admission policy allows in
this namespace only pods that the provisioner makes or its Deployment has, with this one folder and nothing else.
"""

from __future__ import annotations

import json
from typing import Any

from components import kubernetes as k8s
from components.contract import Install, KubernetesObject
from components.names import component_namespace
from components.volumes.images import VOLUMES_IMAGE
from components.volumes.settings import VolumesSettings

NAME = "volumes"
STORAGE_CLASS = "mlp-local"
PROVISIONER = "mlp.io/local-path"
_NAMESPACE = component_namespace(NAME)

# Every pod may write to its volume whatever its user is; the folder above is closed to other users of the node.
_SETUP = """#!/bin/sh
set -eu
chmod 0700 "$(dirname "$VOL_DIR")"
mkdir -m 0777 -p "$VOL_DIR"
chmod 0777 "$VOL_DIR"
"""

_TEARDOWN = """#!/bin/sh
set -eu
rm -rf "$VOL_DIR"
"""


def helper_pod(image: str) -> KubernetesObject:
    """Template of helper pods. Root, since folders of any owner must go; no network, no token, bounded."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "helper-pod", "labels": k8s.labels(NAME, "volumes-helper")},
        "spec": {
            "priorityClassName": "system-node-critical",
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "containers": [
                {
                    "name": "helper-pod",
                    "image": image,
                    "securityContext": {
                        "runAsUser": 0,
                        "allowPrivilegeEscalation": False,
                        "readOnlyRootFilesystem": True,
                        "capabilities": {"drop": ["ALL"], "add": ["DAC_OVERRIDE", "FOWNER"]},
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                    "resources": k8s.resources("10m", "16Mi", "128Mi"),
                }
            ],
        },
    }


def configuration(settings: VolumesSettings, image: str) -> dict[str, str]:
    """The provisioner's ConfigMap; it reads it again by itself, except for the helper pod's template."""
    config = {
        "nodePathMap": [{"node": "DEFAULT_PATH_FOR_NON_LISTED_NODES", "paths": [settings.path]}],
        "cmdTimeoutSeconds": settings.timeout_seconds,
    }
    return {
        "config.json": json.dumps(config, indent=2),
        "helperPod.yaml": json.dumps(helper_pod(image), indent=2),
        "setup": _SETUP,
        "teardown": _TEARDOWN,
    }


def objects(settings: VolumesSettings, install: Install) -> tuple[KubernetesObject, ...]:
    """Tenants reach none of this: they have no rights here, and hostPath is refused in their namespaces."""
    if settings.managed:
        return _managed(install)
    image = install.images[VOLUMES_IMAGE]
    config = configuration(settings, image)
    return (
        k8s.namespace(NAME, "privileged"),
        k8s.service_account(NAME),
        *_rights(),
        k8s.default_deny(NAME),
        k8s.allow(
            NAME,
            "provisioner",
            egress=[*k8s.to_api_server(install.facts.network.api_server_endpoints), k8s.to_dns()],
            pods=k8s.selector(NAME),
        ),
        *_admission(settings, image),
        k8s.config_map(NAME, "volumes", config),
        _storage_class(settings),
        _deployment(image, config),
    )


def _managed(install: Install) -> tuple[KubernetesObject, ...]:
    """The cloud's StorageClasses, with the labels of ours."""
    if install.managed is None:
        raise ValueError("components.volumes.settings.managed needs a cluster that brings storage classes")
    made = []
    for given in install.managed.storage_classes:
        metadata = given["metadata"]
        made.append({**given, "metadata": {**metadata, "labels": {**metadata.get("labels", {}), **k8s.labels(NAME)}}})
    return tuple(made)


def _rights() -> tuple[KubernetesObject, ...]:
    role = k8s.obj(
        "rbac.authorization.k8s.io/v1",
        "Role",
        NAME,
        NAME,
        rules=[
            {
                "apiGroups": [""],
                "resources": ["pods"],
                "verbs": ["get", "list", "watch", "create", "patch", "update", "delete"],
            },
            {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
            {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch"]},
        ],
    )
    binding = k8s.obj(
        "rbac.authorization.k8s.io/v1",
        "RoleBinding",
        NAME,
        NAME,
        roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": NAME},
        subjects=[{"kind": "ServiceAccount", "name": NAME, "namespace": _NAMESPACE}],
    )
    cluster = k8s.cluster_role(
        NAME,
        NAME,
        [
            {
                "apiGroups": [""],
                "resources": ["nodes", "persistentvolumeclaims"],
                "verbs": ["get", "list", "watch"],
            },
            {
                "apiGroups": [""],
                "resources": ["persistentvolumes"],
                "verbs": ["get", "list", "watch", "create", "patch", "update", "delete"],
            },
            {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]},
            {"apiGroups": ["storage.k8s.io"], "resources": ["storageclasses"], "verbs": ["get", "list", "watch"]},
        ],
    )
    return (role, binding, *cluster)


def _admission(settings: VolumesSettings, image: str) -> tuple[KubernetesObject, ...]:
    name = "mlp-volumes-pods"
    pod = "object.spec"
    validations = [
        {
            "expression": f"!has({pod}.volumes) || {pod}.volumes.all(v, !has(v.hostPath) "
            f"|| v.hostPath.path in ['{settings.path}', '{settings.path}/'])",
            "message": f"pods of {_NAMESPACE} may mount {settings.path} of their node and no other folder",
        },
        {
            "expression": f"(!has({pod}.hostNetwork) || !{pod}.hostNetwork) && (!has({pod}.hostPID) || !{pod}.hostPID) "
            f"&& (!has({pod}.hostIPC) || !{pod}.hostIPC)",
            "message": f"pods of {_NAMESPACE} may not use their node's namespaces",
        },
        {
            "expression": f"{pod}.containers.all(c, c.image == '{image}' && (!has(c.securityContext) "
            "|| !has(c.securityContext.privileged) || !c.securityContext.privileged)) "
            f"&& !has({pod}.initContainers)",
            "message": f"pods of {_NAMESPACE} run the image {image}, unprivileged",
        },
    ]
    policy = k8s.obj(
        "admissionregistration.k8s.io/v1",
        "ValidatingAdmissionPolicy",
        NAME,
        name,
        namespaced=False,
        spec={
            "failurePolicy": "Fail",
            "matchConstraints": {
                "resourceRules": [
                    {
                        "apiGroups": [""],
                        "apiVersions": ["v1"],
                        "operations": ["CREATE"],
                        "resources": ["pods"],
                    },
                ],
            },
            "validations": validations,
        },
    )
    binding = k8s.obj(
        "admissionregistration.k8s.io/v1",
        "ValidatingAdmissionPolicyBinding",
        NAME,
        name,
        namespaced=False,
        spec={
            "policyName": name,
            "validationActions": ["Deny", "Audit"],
            "matchResources": {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": _NAMESPACE}},
            },
        },
    )
    return policy, binding


def _storage_class(settings: VolumesSettings) -> KubernetesObject:
    return k8s.obj(
        "storage.k8s.io/v1",
        "StorageClass",
        NAME,
        STORAGE_CLASS,
        namespaced=False,
        annotations={
            "storageclass.kubernetes.io/is-default-class": str(settings.default_class).lower(),
            # `local` volumes, unlike hostPath ones, are handed to the pod's fsGroup and bound to their node.
            "defaultVolumeType": "local",
        },
        provisioner=PROVISIONER,
        volumeBindingMode="WaitForFirstConsumer",
        reclaimPolicy="Delete",
        allowVolumeExpansion=False,
    )


def _deployment(image: str, config: dict[str, str]) -> KubernetesObject:
    container: dict[str, Any] = {
        "name": "provisioner",
        "image": image,
        "args": [
            "start",
            "--config=/etc/volumes/config.json",
            "--helper-pod-file=/etc/volumes/helperPod.yaml",
            f"--provisioner-name={PROVISIONER}",
            f"--namespace={_NAMESPACE}",
            "--configmap-name=volumes",
            f"--service-account-name={NAME}",
            f"--helper-image={image}",
        ],
        "env": [
            {"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
            {"name": "CONFIG_MOUNT_PATH", "value": "/etc/volumes/"},
        ],
        "securityContext": k8s.container_security(),
        "resources": k8s.resources("10m", "32Mi", "128Mi"),
        "volumeMounts": [{"name": "config", "mountPath": "/etc/volumes", "readOnly": True}],
    }
    spec = {
        "automountServiceAccountToken": True,
        "priorityClassName": "system-cluster-critical",
        "securityContext": k8s.pod_security(),
        "containers": [container],
        "volumes": [{"name": "config", "configMap": {"name": "volumes"}}],
    }
    return k8s.deployment(NAME, k8s.pod_template(NAME, k8s.digest(config), spec), recreate=True)
