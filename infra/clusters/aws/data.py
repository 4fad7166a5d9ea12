"""What must outlive everything else: the bucket of artifacts, the database, the file system."""

from __future__ import annotations

import json

import pulumi
import pulumi_aws as aws

from infra.clusters.aws.documents import document, only_tls
from infra.clusters.aws.network import Network
from infra.clusters.aws.part import Part
from infra.clusters.aws.shape import Shape

ADMINISTRATOR = "mlp"
POSTGRES = "17"
_POSTGRES_PORT, _NFS_PORT = 5432, 2049
_NONCURRENT_DAYS = 90


class Bucket(Part):
    """A private, versioned, encrypted bucket that answers by TLS only."""

    def __init__(
        self, shape: Shape, name: str, key: pulumi.Output[str], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("Bucket", name, shape.scope, opts)
        full = self.scope.bucket(name)
        self.bucket = aws.s3.Bucket(
            name,
            bucket=full,
            force_destroy=not self.scope.protected,
            tags=self.scope.tags(full),
            opts=self.own(data=True),
        )
        where = self.bucket.bucket
        closed = aws.s3.BucketPublicAccessBlock(
            name,
            bucket=where,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self.own(),
        )
        aws.s3.BucketOwnershipControls(
            name, bucket=where, rule={"object_ownership": "BucketOwnerEnforced"}, opts=self.own()
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            name,
            bucket=where,
            rules=[
                {
                    "apply_server_side_encryption_by_default": {"sse_algorithm": "aws:kms", "kms_master_key_id": key},
                    "bucket_key_enabled": True,
                }
            ],
            opts=self.own(),
        )
        versions = aws.s3.BucketVersioning(
            name, bucket=where, versioning_configuration={"status": "Enabled"}, opts=self.own()
        )
        aws.s3.BucketLifecycleConfiguration(
            name,
            bucket=where,
            rules=[
                {
                    "id": "unfinished",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "abort_incomplete_multipart_upload": {"days_after_initiation": 7},
                },
                {
                    "id": "overwritten",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "noncurrent_version_expiration": {"noncurrent_days": _NONCURRENT_DAYS},
                },
            ],
            opts=self.own(after=[versions]),
        )
        aws.s3.BucketPolicy(
            name,
            bucket=where,
            policy=self.bucket.arn.apply(lambda arn: document(only_tls(arn))),
            opts=self.own(after=[closed]),
        )
        self.register_outputs({"bucket": where})


class Database(Part):
    """PostgreSQL in subnets without a way out, reached by nodes only, by TLS only. RDS keeps the administrator's
    password in Secrets Manager and changes it every week."""

    def __init__(
        self,
        shape: Shape,
        network: Network,
        nodes: pulumi.Output[str],
        keys: tuple[pulumi.Output[str], pulumi.Output[str]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`nodes`: their security group. `keys`: ARNs of the keys of data and of logs."""
        super().__init__("Database", "database", shape.scope, opts)
        chosen, name = shape.database, self.scope.name("database")
        key, log_key = keys
        logs = [self._log_group(kind, shape.log_days, log_key) for kind in ("postgresql", "upgrade")]
        subnets = aws.rds.SubnetGroup(
            "database",
            name=f"{name}-subnets",
            subnet_ids=[subnet.id for subnet in network.data],
            tags=self.scope.tags(f"{name}-subnets"),
            opts=self.own(),
        )
        parameters = aws.rds.ParameterGroup(
            "database",
            name=f"{name}-postgres{POSTGRES}",
            family=f"postgres{POSTGRES}",
            parameters=[
                {"name": "rds.force_ssl", "value": "1"},
                {"name": "log_connections", "value": "1"},
                {"name": "log_disconnections", "value": "1"},
                {"name": "log_lock_waits", "value": "1"},
                {"name": "log_min_duration_statement", "value": "2000"},
            ],
            tags=self.scope.tags(f"{name}-postgres{POSTGRES}"),
            opts=self.own(),
        )
        group = _reached_by(self, network, "database", nodes, _POSTGRES_PORT)
        self.instance = aws.rds.Instance(
            "database",
            identifier=name,
            engine="postgres",
            engine_version=POSTGRES,
            auto_minor_version_upgrade=True,
            instance_class=chosen.machine,
            allocated_storage=chosen.storage_gib,
            max_allocated_storage=chosen.maximum_gib,
            storage_type="gp3",
            storage_encrypted=True,
            kms_key_id=key,
            multi_az=chosen.standby,
            port=_POSTGRES_PORT,
            db_subnet_group_name=subnets.name,
            vpc_security_group_ids=[group.id],
            publicly_accessible=False,
            username=ADMINISTRATOR,
            manage_master_user_password=True,
            master_user_secret_kms_key_id=key,
            parameter_group_name=parameters.name,
            backup_retention_period=chosen.backup_days,
            backup_window="02:00-03:00",
            maintenance_window="sun:03:30-sun:04:30",
            copy_tags_to_snapshot=True,
            delete_automated_backups=not self.scope.protected,
            deletion_protection=self.scope.protected,
            skip_final_snapshot=not self.scope.protected,
            final_snapshot_identifier=f"{name}-final" if self.scope.protected else None,
            performance_insights_enabled=True,
            performance_insights_kms_key_id=key,
            enabled_cloudwatch_logs_exports=["postgresql", "upgrade"],
            ca_cert_identifier="rds-ca-rsa2048-g1",
            tags=self.scope.tags(name),
            # The storage grows by itself, and RDS installs minor versions.
            opts=self.own(data=True, after=logs, ignore=["allocatedStorage"]),
        )
        self.register_outputs({"host": self.instance.address})

    def _log_group(self, kind: str, days: int, key: pulumi.Output[str]) -> aws.cloudwatch.LogGroup:
        return aws.cloudwatch.LogGroup(
            f"database-{kind}",
            name=f"/aws/rds/instance/{self.scope.name('database')}/{kind}",
            retention_in_days=days,
            kms_key_id=key,
            tags=self.scope.tags(self.scope.name("database-log")),
            opts=self.own(),
        )

    @property
    def password(self) -> pulumi.Output[str]:
        """The administrator's, as Secrets Manager has it now. Secret."""
        secret = self.instance.master_user_secrets.apply(lambda found: found[0].secret_arn)
        version = aws.secretsmanager.get_secret_version_output(
            secret_id=secret, opts=pulumi.InvokeOutputOptions(parent=self)
        )
        return pulumi.Output.secret(version.secret_string.apply(lambda text: str(json.loads(text)["password"])))


class Files(Part):
    """EFS: volumes that pods on several nodes share. An access point for each, by the driver."""

    def __init__(
        self,
        shape: Shape,
        network: Network,
        nodes: pulumi.Output[str],
        key: pulumi.Output[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("Files", "files", shape.scope, opts)
        name = self.scope.name("files")
        self.system = aws.efs.FileSystem(
            "files",
            creation_token=name,
            encrypted=True,
            kms_key_id=key,
            throughput_mode="elastic",
            lifecycle_policies=[
                {"transition_to_ia": "AFTER_30_DAYS"},
                {"transition_to_primary_storage_class": "AFTER_1_ACCESS"},
            ],
            tags=self.scope.tags(name),
            opts=self.own(data=True),
        )
        aws.efs.BackupPolicy(
            "files", file_system_id=self.system.id, backup_policy={"status": "ENABLED"}, opts=self.own()
        )
        aws.efs.FileSystemPolicy(
            "files",
            file_system_id=self.system.id,
            policy=self.system.arn.apply(_mounted_by_tls),
            opts=self.own(),
        )
        group = _reached_by(self, network, "files", nodes, _NFS_PORT)
        self.targets = [
            aws.efs.MountTarget(
                f"files-{zone.letter}",
                file_system_id=self.system.id,
                subnet_id=subnet.id,
                security_groups=[group.id],
                opts=self.own(),
            )
            for zone, subnet in zip(shape.zones, network.data, strict=True)
        ]
        self.register_outputs({"files": self.system.id})


def _mounted_by_tls(arn: str) -> str:
    """Whoever reaches a mount target may mount, by TLS: the security group says who reaches one."""
    return document(
        {
            "Sid": "Mount",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"],
            "Resource": arn,
            "Condition": {"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}},
        },
        {
            "Sid": "OnlyTls",
            "Effect": "Deny",
            "Principal": {"AWS": "*"},
            "Action": ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientRootAccess"],
            "Resource": arn,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    )


def _reached_by(part: Part, network: Network, name: str, nodes: pulumi.Output[str], port: int) -> aws.ec2.SecurityGroup:
    """A group that takes one port from nodes."""
    group = aws.ec2.SecurityGroup(
        name,
        name=part.scope.name(name),
        description=f"Port {port} from the cluster's nodes",
        vpc_id=network.vpc.id,
        tags=part.scope.tags(part.scope.name(name)),
        opts=part.own(),
    )
    aws.vpc.SecurityGroupIngressRule(
        name,
        security_group_id=group.id,
        description=f"Port {port} from the cluster's nodes",
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        referenced_security_group_id=nodes,
        tags=part.scope.tags(part.scope.name(f"{name}-in")),
        opts=part.own(),
    )
    return group
