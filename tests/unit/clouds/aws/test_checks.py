"""Preflight: each question with the answers that let an installation begin, and those that do not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from infra.clouds.aws import checks, names, places, quotas, rights
from infra.clouds.aws.cloud import open_cloud
from infra.clouds.aws.session import Session, code, said
from infra.clusters.aws.rights import questions
from infra.clusters.aws.shape import Shape, shape
from infra.preflight.model import Finding
from tests.unit.clouds.aws.conftest import REGION
from tests.unit.clusters.aws.declarations import ACCOUNT, profile

TAG = [{"Key": "mlp:installation", "Value": "blue"}]


def plan(*given: str) -> Shape:
    return shape(profile(*given))


def by_name(findings: Iterator[Finding]) -> dict[str, Finding]:
    return {each.check: each for each in findings}


@pytest.fixture
def stubbed() -> Iterator[tuple[Session, dict[str, Stubber]]]:
    """A session whose clients answer what they are told."""
    session = Session(REGION)
    stubs = {name: Stubber(session.client(name)) for name in ("iam", "sts", "service-quotas", "eks", "ec2")}
    for stub in stubs.values():
        stub.activate()
    yield session, stubs
    for stub in stubs.values():
        stub.deactivate()


def test_the_profiles_account_is_asked_first(aws: Session) -> None:
    (found,) = checks.identity(plan(), aws)
    assert found.ok
    (found,) = checks.checks(profile("aws.account=999999999999"), aws)
    assert not found.ok
    assert found.message == f"The credentials are of account {ACCOUNT}, the profile says 999999999999."


def test_without_credentials_nothing_else_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    (found,) = open_cloud(profile()).check()
    assert (found.check, found.ok) == ("identity", False)
    assert "Unable to locate credentials" in found.message
    assert "AWS_PROFILE" in found.remedy


def test_a_profile_that_no_region_can_hold_is_a_finding(aws: Session) -> None:
    (found,) = checks.checks(profile("aws.region=us-west-1"), aws)
    assert (found.check, found.ok) == ("zones", False)


def test_what_could_not_be_asked_is_a_warning(aws: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> Iterator[Finding]:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DescribeVpcs")

    monkeypatch.setattr(checks, "_ALL", (("quotas", refuse),))
    found = checks.checks(profile(), aws)
    assert [(each.check, each.ok, each.severity) for each in found] == [
        ("identity", True, "error"),
        ("quotas", False, "warning"),
    ]
    assert "AccessDenied: no" in found[1].message


def test_errors_in_aws_own_words() -> None:
    error = ClientError({"Error": {"Code": "Throttling", "Message": "slower"}}, "X")
    assert (said(error), code(error)) == ("Throttling: slower", "Throttling")
    assert (said(ValueError("x")), code(ValueError("x"))) == ("x", "")


# Rights


def answers(session: tuple[Session, dict[str, Stubber]], arn: str, denied: set[str]) -> None:
    stubs = session[1]
    stubs["sts"].add_response("get_caller_identity", {"Account": ACCOUNT, "Arn": arn, "UserId": "x"})
    if ":assumed-role/" in arn:
        role = {
            "Path": "/company/",
            "RoleName": "installer",
            "RoleId": "AROAAAAAAAAAAAAAAAAAA",
            "Arn": f"arn:aws:iam::{ACCOUNT}:role/company/installer",
            "CreateDate": "2026-01-01T00:00:00Z",
        }
        stubs["iam"].add_response("get_role", {"Role": role}, {"RoleName": "installer"})
    for question in questions(plan().scope, plan().domain):
        results = [
            {"EvalActionName": action, "EvalDecision": "implicitDeny" if action in denied else "allowed"}
            for action in question.actions
        ]
        stubs["iam"].add_response("simulate_principal_policy", {"EvaluationResults": results, "IsTruncated": False})


def test_the_role_behind_a_session_is_asked_about(stubbed: tuple[Session, dict[str, Stubber]]) -> None:
    answers(stubbed, f"arn:aws:sts::{ACCOUNT}:assumed-role/installer/somebody", set())
    (found,) = rights.check(plan(), stubbed[0])
    assert found.ok, found.message
    stubbed[1]["iam"].assert_no_pending_responses()


def test_missing_actions_are_named(stubbed: tuple[Session, dict[str, Stubber]]) -> None:
    answers(stubbed, f"arn:aws:iam::{ACCOUNT}:user/ada", {"eks:CreateCluster", "ec2:CreateVpc"})
    (found,) = rights.check(plan(), stubbed[0])
    assert found.message == "You may not: ec2:CreateVpc, eks:CreateCluster"
    assert "platform rights" in found.remedy


def test_root_is_warned(stubbed: tuple[Session, dict[str, Stubber]]) -> None:
    stubbed[1]["sts"].add_response(
        "get_caller_identity", {"Account": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:root", "UserId": "x"}
    )
    (found,) = rights.check(plan(), stubbed[0])
    assert (found.ok, found.severity) == (False, "warning")


# Quotas


@pytest.mark.parametrize(
    ("machine", "kind"),
    [
        ("m7i.large", "standard"),
        ("t3.medium", "standard"),
        ("g6.xlarge", "g"),
        ("gr6.4xlarge", "g"),
        ("p5.48xlarge", "p"),
        ("trn1.2xlarge", None),
        ("inf2.xlarge", None),
        ("x2idn.16xlarge", None),
    ],
)
def test_kinds_of_machines(machine: str, kind: str | None) -> None:
    assert quotas.machine_kind(machine) == kind


def machine(name: str, cores: int, *, tags: Any = (), spot: bool = False) -> dict[str, Any]:
    return {
        "InstanceType": name,
        "CpuOptions": {"CoreCount": cores // 2, "ThreadsPerCore": 2},
        "Tags": list(tags),
        **({"InstanceLifecycle": "spot"} if spot else {}),
    }


def room(stubs: dict[str, Stubber], running: list[dict[str, Any]], limits: list[int]) -> None:
    types = [
        {"InstanceType": "m7i.large", "VCpuInfo": {"DefaultVCpus": 2}},
        {"InstanceType": "m7i.xlarge", "VCpuInfo": {"DefaultVCpus": 4}},
    ]
    stubs["ec2"].add_response("describe_instance_types", {"InstanceTypes": types})
    stubs["ec2"].add_response("describe_instances", {"Reservations": [{"Instances": running}]})
    stubs["ec2"].add_response("describe_addresses", {"Addresses": [{"Tags": TAG}, {}]})
    stubs["ec2"].add_response("describe_vpcs", {"Vpcs": [{}, {}, {}, {}, {}]})
    for limit in limits:
        stubs["service-quotas"].add_response("get_service_quota", {"Quota": {"Value": float(limit)}})


def test_quotas_with_room(stubbed: tuple[Session, dict[str, Stubber]]) -> None:
    own, other = machine("m7i.large", 2, tags=TAG), machine("m7i.4xlarge", 16)
    room(stubbed[1], [own, other, machine("m7i.large", 2, spot=True)], [64, 5, 10])
    found = by_name(quotas.check(plan(), stubbed[0]))
    assert [each.ok for each in found.values()] == [True, True, True]
    # 4 system nodes of 2 and 4 workers of 4 at most; the own machine is no foreign use.
    assert found["quota L-1216C47A"].message == (
        "24 at most; 16 of 64 vCPUs of standard machines are in use in eu-central-1"
    )


def test_too_small_quotas_name_the_command(stubbed: tuple[Session, dict[str, Stubber]]) -> None:
    room(stubbed[1], [machine("m7i.4xlarge", 16)], [32, 1, 5])
    found = by_name(quotas.check(plan(), stubbed[0]))
    cores = found["quota L-1216C47A"]
    assert (cores.ok, cores.severity) == (False, "warning")
    assert cores.remedy.endswith("--service-code ec2 --quota-code L-1216C47A --desired-value 40")
    assert not found["quota L-0263D0A3"].ok
    assert found["quota L-F678F1CE"].severity == "error"
    assert found["quota L-F678F1CE"].message == "1 are needed at once, 5 of 5 VPCs are in use in eu-central-1."


# Places


def test_zones_and_machines_of_the_region(aws: Session) -> None:
    (found,) = places.zones(plan(), aws)
    assert found.ok, found.message
    (found,) = places.zones(plan('aws.zone_names=["eu-central-1a","eu-central-1b","eu-central-1z"]'), aws)
    assert not found.ok
    assert found.message.startswith("EKS can't use eu-central-1z in this account; it can use eu-central-1a")


def test_machines_by_zone(stubbed: tuple[Session, dict[str, Stubber]], monkeypatch: pytest.MonkeyPatch) -> None:
    def offer(*places_: tuple[str, str]) -> dict[str, Finding]:
        offered = [{"InstanceType": name, "Location": zone} for name, zone in places_]
        stubbed[1]["ec2"].add_response("describe_instance_type_offerings", {"InstanceTypeOfferings": offered})
        return by_name(places.machines(plan(), stubbed[0]))

    monkeypatch.setattr(places, "_database", lambda *_: iter(()))
    zones = [f"eu-central-1{letter}" for letter in "abc"]
    found = offer(*(("m7i.large", zone) for zone in zones), ("m7i.xlarge", "eu-central-1a"))
    assert found["machine m7i.large"].ok
    assert found["machine m7i.xlarge"].severity == "warning"
    assert found["machine m7i.xlarge"].message.startswith("m7i.xlarge is not offered in eu-central-1b, eu-central-1c")
    found = offer(("m7i.large", "eu-central-1a"))
    assert (found["machine m7i.xlarge"].ok, found["machine m7i.xlarge"].severity) == (False, "error")


@pytest.mark.parametrize(
    ("versions", "ok", "words"),
    [
        ([("1.36", "STANDARD_SUPPORT")], True, "EKS supports Kubernetes 1.36"),
        ([("1.36", "EXTENDED_SUPPORT")], False, "for a surcharge only (extended_support)"),
        ([("1.9", "STANDARD_SUPPORT"), ("1.35", "STANDARD_SUPPORT")], False, "yet; it has 1.9, 1.35."),
        ([], False, "it has none"),
    ],
)
def test_versions(
    stubbed: tuple[Session, dict[str, Stubber]], versions: list[tuple[str, str]], ok: bool, words: str
) -> None:
    listed = [{"clusterVersion": version, "versionStatus": status} for version, status in versions]
    stubbed[1]["eks"].add_response("describe_cluster_versions", {"clusterVersions": listed})
    (found,) = places.version(plan(), stubbed[0])
    assert found.ok == ok
    assert words in found.message


# Names


def test_names_in_an_empty_account_are_free(aws: Session) -> None:
    found = by_name(names.check(plan(), aws))
    assert all(each.ok for each in found.values())
    assert set(found) == {
        "name mlp-blue",
        "name mlp-blue-database",
        f"name mlp-blue-{ACCOUNT}-artifacts",
        "name ml.example.com",
    }


@pytest.mark.parametrize("tagged", [True, False], ids=["ours", "another's"])
def test_names_that_are_taken(aws: Session, tagged: bool) -> None:
    bucket = f"mlp-blue-{ACCOUNT}-artifacts"
    aws.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    vpc = aws.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = aws.client("ec2").create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    aws.client("eks").create_cluster(
        name="mlp-blue",
        roleArn=f"arn:aws:iam::{ACCOUNT}:role/x",
        resourcesVpcConfig={"subnetIds": [subnet]},
        tags={"mlp:installation": "blue"} if tagged else {},
    )
    aws.client("rds").create_db_instance(
        DBInstanceIdentifier="mlp-blue-database",
        Engine="postgres",
        DBInstanceClass="db.t4g.medium",
        AllocatedStorage=20,
        MasterUsername="mlp",
        MasterUserPassword="not a secret",
        Tags=TAG if tagged else [],
    )
    zone = aws.client("route53").create_hosted_zone(Name="ml.example.com", CallerReference="1")["HostedZone"]["Id"]
    if tagged:
        aws.client("s3").put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": TAG})
        aws.client("route53").change_tags_for_resource(
            ResourceType="hostedzone", ResourceId=zone.rpartition("/")[2], AddTags=TAG
        )
    found = by_name(names.check(plan(), aws))
    assert len(found) == 4
    assert {each.ok for each in found.values()} == {tagged}
    if not tagged:
        assert found["name ml.example.com"].severity == "warning"
        assert found["name mlp-blue"].message.startswith("EKS cluster mlp-blue is there already")
