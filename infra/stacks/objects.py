"""Kubernetes objects as Pulumi resources, the same with the embedded and the official plugin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

from infra.providers.kubernetes import PLUGIN_NAME, PLUGIN_VERSION

_SKIP_AWAIT = "pulumi.com/skipAwait"
_WITHOUT_WAITING = frozenset({("v1", "Service")})
"""A Service waits for pods behind it, which the workload's own wait tells as well; waiting twice only makes the order
of resources matter."""


class KubernetesProvider(pulumi.ProviderResource):
    """One cluster. Settings are those under which both plugins behave alike: server-side apply, adoption of objects
    that exist, ConfigMaps and Secrets changed in place."""

    def __init__(
        self,
        name: str,
        *,
        kubeconfig: pulumi.Input[str],
        cluster: str,
        patience: int | None = None,
        version: str = PLUGIN_VERSION,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`kubeconfig`: its content, may come from another resource. `cluster`: a name that stays when address or
        credentials change; another name means another cluster, so everything is made anew. `patience`: seconds for
        which an API server that does not answer is asked again; None leaves it to the plugin."""
        settings = {} if patience is None else {"kubeClientSettings": {"timeout": patience}}
        super().__init__(
            PLUGIN_NAME,
            name,
            settings
            | {
                "kubeconfig": pulumi.Output.secret(kubeconfig),
                "clusterIdentifier": cluster,
                "enableServerSideApply": True,
                "enableConfigMapMutable": True,
                "enableSecretMutable": True,
                "upsertExistingObjects": True,
            },
            pulumi.ResourceOptions.merge(pulumi.ResourceOptions(version=version), opts),
        )


def type_token(api_version: str, kind: str) -> str:
    """Such as `kubernetes:core/v1:ConfigMap` or `kubernetes:apps/v1:Deployment`."""
    return f"{PLUGIN_NAME}:{'core/v1' if api_version == 'v1' else api_version}:{kind}"


def register(
    name: str,
    obj: Mapping[str, Any],
    opts: pulumi.ResourceOptions | None = None,
    *,
    wait: bool | None = None,
) -> pulumi.CustomResource:
    """A resource for a rendered object. Its values may be outputs; `obj` stays unchanged.

    `wait`: whether the resource is done only when the object is ready; None waits for all kinds but Services. A
    Secret's data is secret in state and outputs.
    """
    api_version, kind = str(obj["apiVersion"]), str(obj["kind"])
    props: dict[str, Any] = {key: value for key, value in obj.items() if key != "status"}
    if not (wait if wait is not None else (api_version, kind) not in _WITHOUT_WAITING):
        metadata = dict(props.get("metadata") or {})
        metadata["annotations"] = {**(metadata.get("annotations") or {}), _SKIP_AWAIT: "true"}
        props["metadata"] = metadata
    defaults = pulumi.ResourceOptions(version=PLUGIN_VERSION)
    if (api_version, kind) == ("v1", "Secret"):
        defaults.additional_secret_outputs = ["data", "stringData"]
        for key in ("data", "stringData"):
            if key in props:
                props[key] = pulumi.Output.secret(props[key])
    return pulumi.CustomResource(
        type_token(api_version, kind), name, props, pulumi.ResourceOptions.merge(defaults, opts)
    )
