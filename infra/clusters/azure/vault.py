"""The key vault and its keys: one for data at rest, one for the cluster's secrets."""

from __future__ import annotations

import pulumi
from pulumi_azure_native import authorization, keyvault

from infra.clusters.azure.groups import Groups
from infra.clusters.azure.site import Site

_LONG, _SHORT = 90, 7
"""Days that a deleted vault can be brought back; its name is taken for so long."""


class Vault(pulumi.ComponentResource):
    """Azure's services come in as trusted ones, the API server through an endpoint that AKS makes; nobody else. Keys
    are made by Azure's management side, so the installer needs no way in."""

    def __init__(self, site: Site, groups: Groups) -> None:
        super().__init__("mlp:azure:Vault", "vault", None, site.options())
        kept = pulumi.ResourceOptions(parent=self, protect=site.keep)
        self.vault = keyvault.Vault(
            "vault",
            vault_name=site.names.vault,
            resource_group_name=groups.platform.name,
            location=site.azure.location,
            properties=keyvault.VaultPropertiesArgs(
                tenant_id=site.azure.tenant,
                sku=keyvault.SkuArgs(family="A", name=keyvault.SkuName.STANDARD),
                enable_rbac_authorization=True,
                enable_soft_delete=True,
                # Azure's own encryption refuses keys that could be destroyed for good.
                enable_purge_protection=True,
                soft_delete_retention_in_days=_LONG if site.keep else _SHORT,
                enabled_for_deployment=False,
                enabled_for_disk_encryption=False,
                enabled_for_template_deployment=False,
                public_network_access="disabled",
                network_acls=keyvault.NetworkRuleSetArgs(bypass="AzureServices", default_action="Deny"),
            ),
            tags=site.tags,
            # A change of the retention would replace it, and the keys with it.
            opts=pulumi.ResourceOptions.merge(
                kept, pulumi.ResourceOptions(ignore_changes=["properties.softDeleteRetentionInDays"])
            ),
        )
        self.data, self.etcd = (self._key(site, groups, name, kept) for name in ("data", "etcd"))
        if site.keep:
            lock(site, "vault", self.vault.id, self)
        self.register_outputs({"vault": self.vault.id})

    def _key(self, site: Site, groups: Groups, name: str, kept: pulumi.ResourceOptions) -> keyvault.Key:
        return keyvault.Key(
            name,
            key_name=name,
            vault_name=self.vault.name,
            resource_group_name=groups.platform.name,
            properties=keyvault.KeyPropertiesArgs(
                kty="RSA",
                key_size=3072,
                key_ops=["wrapKey", "unwrapKey"] if name == "data" else ["encrypt", "decrypt"],
                attributes=keyvault.KeyAttributesArgs(enabled=True),
            ),
            tags=site.tags,
            opts=kept,
        )


def lock(site: Site, name: str, scope: pulumi.Input[str], parent: pulumi.Resource) -> None:
    """Azure refuses to delete `scope` for anybody, owners too, until the lock is taken away."""
    authorization.ManagementLockByScope(
        name,
        lock_name="mlp-keep",
        scope=scope,
        level="CanNotDelete",
        notes=f"Data of installation {site.names.installation}: azure.deletion_protection is on",
        opts=pulumi.ResourceOptions(parent=parent),
    )
