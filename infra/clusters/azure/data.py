"""What must not be lost: the storage accounts, the PostgreSQL server and the key of every disk."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pulumi
from pulumi_azure_native import compute, dbforpostgresql, storage

from infra.clusters.azure.groups import Groups
from infra.clusters.azure.identity import Identities
from infra.clusters.azure.names import ARTIFACTS
from infra.clusters.azure.network import Network
from infra.clusters.azure.roles import assign
from infra.clusters.azure.shape import POSTGRESQL
from infra.clusters.azure.site import Site
from infra.clusters.azure.vault import Vault, lock

ADMINISTRATOR = "mlpadmin"
_KEPT_DAYS = 14
"""Days that a deleted blob or container can be brought back."""


class Data(pulumi.ComponentResource):
    """All of it encrypted with the vault's key `data`, none of it with a public address."""

    def __init__(self, site: Site, groups: Groups, network: Network, vault: Vault, identities: Identities) -> None:
        super().__init__("mlp:azure:Data", "data", None, site.options())
        self._site, self._group, self._vault = site, groups.platform.name, vault
        self._network, self._identity = network, identities.of["data"]
        self._kept = pulumi.ResourceOptions(parent=self, protect=site.keep)
        self.may_open = assign(
            site,
            "data-key",
            "Key Vault Crypto Service Encryption User",
            principal=self._identity.principal_id,
            scope=vault.data.id,
            parent=self,
        )
        self.disks = self._disk_encryption_set()
        self.artifacts = self._account("artifacts", site.names.artifacts_account)
        # The control plane removes containers and assignments of workspaces, which a lock on their account would
        # forbid: theirs is another one, kept by Pulumi's protection and by soft delete.
        self.workspaces = self._account("workspaces", site.names.workspaces_account)
        container = storage.BlobContainer(
            "artifacts",
            container_name=ARTIFACTS,
            account_name=self.artifacts.name,
            resource_group_name=self._group,
            public_access=storage.PublicAccess.NONE,
            opts=self._kept,
        )
        assign(
            site,
            "tracking-artifacts",
            "Storage Blob Data Contributor",
            principal=identities.of["tracking"].principal_id,
            scope=container.id,
            parent=self,
        )
        identities.grant_workspaces(groups, self.workspaces.id)
        self.password = self._password()
        self.database = self._database()
        if site.keep:
            lock(site, "artifacts", self.artifacts.id, self)
            lock(site, "database", self.database.id, self)
        self.register_outputs({"artifacts": self.artifacts.name, "database": self.database.name})

    def _disk_encryption_set(self) -> compute.DiskEncryptionSet:
        return compute.DiskEncryptionSet(
            "disks",
            disk_encryption_set_name=self._site.names.disk_encryption_set,
            resource_group_name=self._group,
            location=self._site.azure.location,
            encryption_type="EncryptionAtRestWithCustomerKey",
            identity=compute.EncryptionSetIdentityArgs(
                type="UserAssigned", user_assigned_identities=[self._identity.id]
            ),
            active_key=compute.KeyForDiskEncryptionSetArgs(key_url=self._vault.data.key_uri_with_version),
            rotation_to_latest_key_version_enabled=True,
            tags=self._site.tags,
            opts=self._after_key(self._kept),
        )

    def _account(self, name: str, account: str) -> storage.StorageAccount:
        made = storage.StorageAccount(
            name,
            account_name=account,
            resource_group_name=self._group,
            location=self._site.azure.location,
            kind="StorageV2",
            sku=storage.SkuArgs(name="Standard_ZRS" if len(self._site.shape.zones) > 1 else "Standard_LRS"),
            access_tier=storage.AccessTier.HOT,
            allow_blob_public_access=False,
            allow_cross_tenant_replication=False,
            allow_shared_key_access=False,
            default_to_o_auth_authentication=True,
            enable_https_traffic_only=True,
            is_local_user_enabled=False,
            is_sftp_enabled=False,
            minimum_tls_version="TLS1_2",
            public_network_access="Disabled",
            network_rule_set=storage.NetworkRuleSetArgs(default_action=storage.DefaultAction.DENY, bypass="None"),
            identity=storage.IdentityArgs(type="UserAssigned", user_assigned_identities=[self._identity.id]),
            encryption=storage.EncryptionArgs(
                key_source="Microsoft.Keyvault",
                # No version: new versions of the key are taken up by themselves.
                key_vault_properties=storage.KeyVaultPropertiesArgs(
                    key_name=self._vault.data.name, key_vault_uri=self._vault.vault.properties.vault_uri
                ),
                encryption_identity=storage.EncryptionIdentityArgs(encryption_user_assigned_identity=self._identity.id),
                require_infrastructure_encryption=True,
                services=storage.EncryptionServicesArgs(
                    blob=storage.EncryptionServiceArgs(enabled=True, key_type="Account"),
                    file=storage.EncryptionServiceArgs(enabled=True, key_type="Account"),
                ),
            ),
            tags=self._site.tags,
            opts=self._after_key(self._kept),
        )
        kept = storage.DeleteRetentionPolicyArgs(enabled=True, days=_KEPT_DAYS)
        storage.BlobServiceProperties(
            name,
            blob_services_name="default",
            account_name=made.name,
            resource_group_name=self._group,
            is_versioning_enabled=True,
            delete_retention_policy=kept,
            container_delete_retention_policy=kept,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self._network.endpoint(f"{name}-blob", "blob", made.id, "blob", self)
        return made

    def _password(self) -> pulumi.Output[str]:
        """The administrator's password, from a secret that Azure makes and keeps: the first key of the artifacts'
        account, which opens nothing itself, as shared keys are switched off. So every machine that may run `up` finds
        the same password, and renewing that key renews it."""
        group, account = self._site.names.group, self._site.names.artifacts_account
        keys = storage.list_storage_account_keys_output(
            account_name=self.artifacts.id.apply(lambda _: account),
            resource_group_name=group,
            opts=pulumi.InvokeOutputOptions(parent=self),
        )
        return pulumi.Output.secret(keys.apply(lambda found: derived(found.keys[0].value)))

    def _database(self) -> dbforpostgresql.Server:
        shape, names = self._site.shape.database, self._site.names
        identity = names.id("Microsoft.ManagedIdentity/userAssignedIdentities", names.identity("data"))
        mode = "ZoneRedundant" if shape.zonal_standby else "SameZone"
        return dbforpostgresql.Server(
            "database",
            server_name=names.server,
            resource_group_name=self._group,
            location=self._site.azure.location,
            version=POSTGRESQL,
            create_mode="Default",
            administrator_login=ADMINISTRATOR,
            administrator_login_password=self.password,
            auth_config=dbforpostgresql.AuthConfigArgs(active_directory_auth="Disabled", password_auth="Enabled"),  # noqa: S106 - a switch
            sku=dbforpostgresql.SkuArgs(name=shape.machine, tier=shape.tier),
            storage=dbforpostgresql.StorageArgs(
                storage_size_gb=shape.storage_gib, auto_grow="Enabled" if shape.grows else "Disabled"
            ),
            availability_zone="1",
            high_availability=dbforpostgresql.HighAvailabilityArgs(
                mode=mode if shape.high_availability else "Disabled"
            ),
            backup=dbforpostgresql.BackupArgs(backup_retention_days=shape.backup_days, geo_redundant_backup="Disabled"),
            network=dbforpostgresql.NetworkArgs(
                delegated_subnet_resource_id=self._network.database.id,
                private_dns_zone_arm_resource_id=self._network.database_zone.id,
                public_network_access="Disabled",
            ),
            identity=dbforpostgresql.UserAssignedIdentityArgs(
                type="UserAssigned", user_assigned_identities={identity: dbforpostgresql.UserIdentityArgs()}
            ),
            data_encryption=dbforpostgresql.DataEncryptionArgs(
                type="AzureKeyVault",
                primary_key_uri=self._vault.data.key_uri_with_version,
                primary_user_assigned_identity_id=self._identity.id,
            ),
            tags=self._site.tags,
            opts=pulumi.ResourceOptions.merge(
                self._after_key(self._kept, self._network.database_link),
                # After a failover primary and standby have changed places.
                pulumi.ResourceOptions(
                    ignore_changes=["availabilityZone", *(["storage.storageSizeGB"] if shape.grows else [])]
                ),
            ),
        )

    def _after_key(self, options: pulumi.ResourceOptions, *more: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(depends_on=[self.may_open, *more]))


def derived(key: str) -> str:
    """The administrator's password of a storage account's key: letters of both cases, digits and a dash or more.

    Raises ValueError for an empty key, from which anybody could derive the same.
    """
    if not key:
        raise ValueError("the storage account has no key to derive the database administrator's password from")
    digest = hmac.new(key.encode(), b"mlp/database-administrator", hashlib.sha256).digest()
    return f"Mlp-1{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"
