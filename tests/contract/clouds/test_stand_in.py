"""The stand-in itself: takes what the SDKs take, behaves as clouds do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pulumi
import pytest

from infra.engine.errors import EngineError, ResourcesFailed
from infra.engine.model import Op
from tests.clouds_support.harness import Cloud, missing_dependencies
from tests.clouds_support.store import Fault

pytestmark = [pytest.mark.contract, pytest.mark.filterwarnings("ignore:.*has been deprecated:DeprecationWarning")]


class Regions:
    """Answers for the one function that the program calls."""

    def resource(self, kind: str, name: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"id": inputs["bucket"]} if kind == "aws:s3/bucket:Bucket" else {}

    def call(self, token: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        if token != "aws:index/getCallerIdentity:getCallerIdentity":
            raise LookupError(f"no answer to {token}")
        return {"accountId": "111122223333", "arn": "arn:aws:iam::111122223333:user/ops", "userId": "u", "id": "u"}


@dataclass(frozen=True)
class Small:
    """A network, a bucket and a database in one cloud."""

    cidr: str = "10.0.0.0/16"
    owner: str = "team-a"
    bucket: str = "mlp-small-artifacts"
    password: str = "canary-password"
    protect: bool = False
    locked: bool = False

    def __call__(self) -> None:
        import pulumi_aws as aws

        caller = aws.get_caller_identity_output()
        tags = {"mlp": "small", "owner": self.owner}
        network = aws.ec2.Vpc("network", cidr_block=self.cidr, tags=tags)
        subnet = aws.ec2.Subnet("a", vpc_id=network.id, cidr_block="10.0.1.0/24", tags=tags)
        kept = pulumi.ResourceOptions(protect=self.protect)
        aws.s3.Bucket("artifacts", bucket=self.bucket, tags=tags, opts=kept)
        group = aws.rds.SubnetGroup("database", subnet_ids=[subnet.id], tags=tags)
        database = aws.rds.Instance(
            "database",
            instance_class="db.t4g.medium",
            engine="postgres",
            username="mlp",
            password=pulumi.Output.secret(self.password),
            db_subnet_group_name=group.name,
            deletion_protection=self.locked,
            tags=tags,
        )
        pulumi.export("account", caller.account_id)
        pulumi.export("endpoint", database.endpoint)
        pulumi.export("password", database.password)


def test_a_program_lives_from_preview_to_destroy(tmp_path: Path) -> None:
    cloud = Cloud(tmp_path, Regions())

    planned = cloud.preview(Small())
    assert planned.counts == {"create": 5}
    assert cloud.store.things() == []

    made = cloud.up(Small())
    assert made.counts == {"create": 5}
    assert made.outputs["account"].value == "111122223333"
    assert made.outputs["endpoint"].value == "database-endpoint"
    assert made.outputs["password"].secret
    assert made.outputs["password"].value == "canary-password"
    assert not cloud.up(Small()).changed

    changed = cloud.up(Small(owner="team-b"))
    assert {change.op for change in changed.changes} == {Op.UPDATE}
    assert changed.changes[0].properties == ("tags",)
    assert {tuple(entry.changed) for entry in cloud.journal("update")} == {("tags",)}

    moved = cloud.up(Small(cidr="10.1.0.0/16", owner="team-b"))
    replaced = {change.resource.name for change in moved.changes if change.op is Op.REPLACE}
    assert replaced == {"network", "a"}

    assert not cloud.refresh().changed
    assert missing_dependencies(cloud.resources()) == []
    assert cloud.destroy().counts == {"delete": 5}
    assert cloud.store.things() == []
    gone = [entry.name for entry in cloud.journal("delete")][-5:]
    assert gone.index("database") < gone.index("a") < gone.index("network")
    assert "canary" not in cloud.written()


@dataclass(frozen=True)
class Open:
    """What only the schema can find: a name inside a plain dict, a wrong type, a missing part."""

    def __call__(self) -> None:
        import pulumi_aws as aws

        rules: Any = [{"fromPort": "https", "toPort": 443, "protokol": "tcp"}]
        aws.ec2.SecurityGroup("open", ingress=rules)


@dataclass(frozen=True)
class Account:
    """A kind of account that there is not."""

    def __call__(self) -> None:
        import pulumi_azure_native as azure

        sku: Any = {"name": "Standard_LRS"}
        azure.storage.StorageAccount("account", resource_group_name="g", kind="StorageV3", sku=sku)


@dataclass(frozen=True)
class Nodes:
    """A size that is no number."""

    def __call__(self) -> None:
        import pulumi_gcp as gcp

        config: Any = {"machineType": "e2-small", "diskSizeGb": "hundred"}
        gcp.container.NodePool("nodes", cluster="c", node_config=config)


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (
            Open(),
            (
                "property ingress[0].protokol",
                "no property 'protokol'; did you mean 'protocol'?",
                "property ingress[0].fromPort",
                "is a string, must be an integer",
                "requires 'protocol'",
            ),
        ),
        (Account(), ("property kind", "is 'StorageV3', must be one of 'Storage', 'StorageV2'")),
        (Nodes(), ("property nodeConfig.diskSizeGb", "is a string, must be an integer")),
    ],
    ids=["aws", "azure", "gcp"],
)
def test_a_wrong_name_or_type_is_refused_with_its_path(tmp_path: Path, program: Any, words: tuple[str, ...]) -> None:
    with pytest.raises(ResourcesFailed) as refused:
        Cloud(tmp_path).preview(program)
    said = "\n".join(failure.reason for failure in refused.value.failures)
    assert [word for word in words if word not in said] == []


@pytest.mark.parametrize(
    ("kept", "stays", "words"),
    [
        (Small(protect=True), "artifacts", "is protected"),
        (Small(locked=True), "database", "can't be deleted while deletionProtection is on"),
    ],
    ids=["by the engine", "by the cloud"],
)
def test_what_is_protected_stays(tmp_path: Path, kept: Small, stays: str, words: str) -> None:
    cloud = Cloud(tmp_path, Regions())
    cloud.up(kept)
    with pytest.raises(EngineError, match=words):
        cloud.destroy()
    assert stays in {thing.name for thing in cloud.store.things()}
    cloud.up(Small())
    cloud.destroy()
    assert cloud.store.things() == []


def test_a_drift_is_found_and_undone(tmp_path: Path) -> None:
    cloud = Cloud(tmp_path, Regions())
    cloud.up(Small())
    (network,) = [thing for thing in cloud.store.things() if thing.name == "network"]
    cloud.store.put(replace(network, inputs={**network.inputs, "tags": {}}, outputs={**network.outputs, "tags": {}}))
    (bucket,) = [thing for thing in cloud.store.things() if thing.name == "artifacts"]
    cloud.store.drop(bucket.kind, bucket.id)
    mended = cloud.up(Small(), refresh=True)
    assert {(change.op, change.resource.name) for change in mended.changes} == {
        (Op.UPDATE, "network"),
        (Op.CREATE, "artifacts"),
    }
    assert not cloud.up(Small(), refresh=True).changed


def test_a_name_that_is_taken_and_a_fault_are_told_in_the_clouds_words(tmp_path: Path) -> None:
    cloud = Cloud(tmp_path / "one", Regions())
    cloud.up(Small())
    other = Cloud(tmp_path / "two", Regions())
    other.store.put(next(thing for thing in cloud.store.things() if thing.name == "artifacts"))
    other.store.show(Fault("create", kind="ec2/vpc", message="VpcLimitExceeded: The maximum number of VPCs"))
    with pytest.raises(ResourcesFailed) as refused:
        other.up(Small())
    said = {failure.name: failure.reason for failure in refused.value.failures}
    assert "AlreadyExists" in said["artifacts"]
    assert "VpcLimitExceeded" in said["network"]


@dataclass(frozen=True)
class ByName:
    """Names a bucket by a text that only happens to be right."""

    def __call__(self) -> None:
        import pulumi_aws as aws

        aws.s3.Bucket("artifacts", bucket="mlp-small-artifacts")
        aws.s3.BucketVersioning(
            "artifacts", bucket="mlp-small-artifacts", versioning_configuration={"status": "Enabled"}
        )


def test_a_reference_that_the_engine_does_not_know_is_found(tmp_path: Path) -> None:
    cloud = Cloud(tmp_path, Regions())
    cloud.up(ByName())
    (found,) = missing_dependencies(cloud.resources())
    assert "BucketVersioning" in found
    assert "does not depend on it" in found
