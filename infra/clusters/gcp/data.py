"""What must not be lost: the bucket of artifacts and the PostgreSQL server."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from typing import Any

import pulumi
from pulumi_gcp import compute, sql, storage

from infra.clusters.gcp.keys import Keys
from infra.clusters.gcp.network import Network
from infra.clusters.gcp.site import Site

ADMINISTRATOR = "mlpadmin"
POSTGRESQL = "POSTGRES_17"
_OLD_VERSIONS_DAYS = 30
_SOFT_DELETE_SECONDS = 7 * 24 * 3600
"""In which a deleted object or bucket can be brought back."""
_LOG_DAYS_MAX = 7
"""Days back that Cloud SQL can restore any moment of, at most."""


class Data(pulumi.ComponentResource):
    """All of it encrypted with the key `data`, none of it with a public address.

    The database is reached by an address of the nodes' subnet (Private Service Connect) rather than by peering with
    Google's network: that peering outlives a deleted database for days, and the network could not go before it.
    """

    def __init__(self, site: Site, keys: Keys, network: Network) -> None:
        super().__init__("mlp:gcp:Data", "data", None, site.options())
        self._site, self._keys, self._network = site, keys, network
        self.artifacts = self._bucket()
        self.database = self._database()
        self.address = self._way()
        self.password = self._administrator()
        self.register_outputs({"artifacts": self.artifacts.name, "database": self.database.name})

    def authority(self) -> pulumi.Output[str]:
        """PEM of the authorities of the database's certificate: each server has its own."""
        found: pulumi.Output[str] = self.database.server_ca_certs.apply(_certificates)
        return found

    def _bucket(self) -> storage.Bucket:
        site = self._site
        return storage.Bucket(
            "artifacts",
            name=site.names.bucket("artifacts"),
            project=site.gcp.project,
            location=site.gcp.region.upper(),
            storage_class="STANDARD",
            uniform_bucket_level_access=True,
            public_access_prevention="enforced",
            versioning=storage.BucketVersioningArgs(enabled=True),
            encryption=storage.BucketEncryptionArgs(default_kms_key_name=self._keys.data.id),
            soft_delete_policy=storage.BucketSoftDeletePolicyArgs(
                retention_duration_seconds=_SOFT_DELETE_SECONDS if site.keep else 0
            ),
            lifecycle_rules=[
                storage.BucketLifecycleRuleArgs(
                    action=storage.BucketLifecycleRuleActionArgs(type="Delete"),
                    condition=storage.BucketLifecycleRuleConditionArgs(
                        days_since_noncurrent_time=_OLD_VERSIONS_DAYS, with_state="ARCHIVED"
                    ),
                ),
                storage.BucketLifecycleRuleArgs(
                    action=storage.BucketLifecycleRuleActionArgs(type="AbortIncompleteMultipartUpload"),
                    condition=storage.BucketLifecycleRuleConditionArgs(age=7),
                ),
            ],
            force_destroy=not site.keep,
            labels=site.labels,
            opts=site.below(self, self._keys.ready["data-storage"], protect=True),
        )

    def _database(self) -> sql.DatabaseInstance:
        site = self._site
        # Its name gets a random end: that of a deleted one is taken for a week.
        return sql.DatabaseInstance(
            site.names.prefix,
            project=site.gcp.project,
            region=site.gcp.region,
            database_version=POSTGRESQL,
            encryption_key_name=self._keys.data.id,
            deletion_protection=site.keep,
            settings=self._settings(),
            # Storage grows by itself; a server with less than it has would be a new, empty one.
            opts=site.below(
                self, self._keys.ready["data-database"], protect=True, ignore_changes=["settings.diskSize"]
            ),
        )

    def _settings(self) -> sql.DatabaseInstanceSettingsArgs:
        site, shape = self._site, self._site.shape.database
        return sql.DatabaseInstanceSettingsArgs(
            tier=shape.machine,
            edition="ENTERPRISE",
            availability_type="REGIONAL" if shape.high_availability else "ZONAL",
            disk_type="PD_SSD",
            disk_size=shape.storage_gib,
            disk_autoresize=True,
            deletion_protection_enabled=site.keep,
            user_labels=site.labels,
            ip_configuration=sql.DatabaseInstanceSettingsIpConfigurationArgs(
                ipv4_enabled=False,
                ssl_mode="ENCRYPTED_ONLY",
                server_ca_mode="GOOGLE_MANAGED_INTERNAL_CA",
                psc_configs=[
                    sql.DatabaseInstanceSettingsIpConfigurationPscConfigArgs(
                        psc_enabled=True, allowed_consumer_projects=[site.gcp.project]
                    )
                ],
            ),
            backup_configuration=sql.DatabaseInstanceSettingsBackupConfigurationArgs(
                enabled=True,
                start_time="02:00",
                location=site.gcp.region,
                point_in_time_recovery_enabled=True,
                transaction_log_retention_days=min(shape.backup_days, _LOG_DAYS_MAX),
                backup_retention_settings=sql.DatabaseInstanceSettingsBackupConfigurationBackupRetentionSettingsArgs(
                    retained_backups=shape.backup_days, retention_unit="COUNT"
                ),
            ),
            maintenance_window=sql.DatabaseInstanceSettingsMaintenanceWindowArgs(day=7, hour=4, update_track="stable"),
            database_flags=[
                sql.DatabaseInstanceSettingsDatabaseFlagArgs(name=name, value="on")
                for name in ("log_connections", "log_disconnections")
            ],
        )

    def _way(self) -> compute.Address:
        """The address at which the cluster reaches the database."""
        site, name = self._site, self._site.names.of("database")
        address = compute.Address(
            "database",
            name=name,
            project=site.gcp.project,
            region=site.gcp.region,
            address_type="INTERNAL",
            purpose="GCE_ENDPOINT",
            subnetwork=self._network.nodes.id,
            labels=site.labels,
            opts=site.below(self),
        )
        compute.ForwardingRule(
            "database",
            name=name,
            project=site.gcp.project,
            region=site.gcp.region,
            load_balancing_scheme="",
            no_automate_dns_zone=True,
            network=self._network.network.id,
            subnetwork=self._network.nodes.id,
            ip_address=address.id,
            target=self.database.psc_service_attachment_link,
            labels=site.labels,
            opts=site.below(self),
        )
        return address

    def _administrator(self) -> pulumi.Output[str]:
        """The administrator, whose password comes of a secret that Google makes: a client's private key, which opens
        nothing itself, since clients without the password are refused. Whoever may run `up` finds the same one."""
        site = self._site
        secret = sql.SslCert(
            "administrator",
            common_name=ADMINISTRATOR,
            instance=self.database.name,
            project=site.gcp.project,
            opts=site.below(self),
        )
        password: pulumi.Output[str] = pulumi.Output.secret(secret.private_key.apply(derived))
        sql.User(
            "administrator",
            name=ADMINISTRATOR,
            instance=self.database.name,
            project=site.gcp.project,
            password=password,
            # It owns what it made: PostgreSQL would not let it go before, and the server goes anyway.
            deletion_policy="ABANDON",
            opts=site.below(self),
        )
        return password


def derived(key: str) -> str:
    """The administrator's password of a private key: letters of both cases, digits and a dash or more.

    Raises ValueError for an empty key, from which anybody could derive the same.
    """
    if not key:
        raise ValueError("Cloud SQL gave no private key to derive the database administrator's password from")
    digest = hmac.new(key.encode(), b"mlp/database-administrator", hashlib.sha256).digest()
    return f"Mlp-1{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def _certificates(found: Sequence[Any]) -> str:
    return "\n".join(each.cert.strip() for each in found) + "\n"
