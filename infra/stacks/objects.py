"""A cluster as a Pulumi provider, the same with the embedded and the official plugin."""

from __future__ import annotations

import pulumi

from infra.providers.kubernetes import PLUGIN_NAME, PLUGIN_VERSION


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
