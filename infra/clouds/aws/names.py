"""Whether the names of the installation are free, or its own already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from infra.clouds.aws.session import Session, code
from infra.clusters.aws.scope import TAG
from infra.clusters.aws.shape import Shape
from infra.preflight.model import Finding

_RENAME = "Choose another name for the installation, or remove what has it."


def check(plan: Shape, session: Session) -> Iterator[Finding]:
    """The cluster, the database, the bucket (whose name is the world's), and zones of the domain."""
    scope = plan.scope
    yield _finding(f"EKS cluster {scope.base}", _cluster(session, scope.base), plan)
    database = scope.name("database")
    yield _finding(f"RDS instance {database}", _database(session, database), plan)
    yield from _bucket(session, scope.bucket("artifacts"), plan)
    yield from _zones(session, plan)


def _finding(what: str, tags: Mapping[str, str] | None, plan: Shape) -> Finding:
    """`tags`: of what has the name; None where nothing has."""
    name = f"name {what.rpartition(' ')[2]}"
    if tags is None:
        return Finding(name, True, f"{what} is not there yet")
    if tags.get(TAG) == plan.scope.installation:
        return Finding(name, True, f"{what} is this installation's")
    return Finding(name, False, f"{what} is there already and does not bear this installation's tag.", _RENAME)


def _cluster(session: Session, name: str) -> Mapping[str, str] | None:
    client = session.client("eks")
    try:
        found: Mapping[str, str] = client.describe_cluster(name=name)["cluster"].get("tags", {})
    except client.exceptions.ResourceNotFoundException:
        return None
    return found


def _database(session: Session, name: str) -> Mapping[str, str] | None:
    client = session.client("rds")
    try:
        (found,) = client.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]
    except client.exceptions.DBInstanceNotFoundFault:
        return None
    return {tag["Key"]: tag["Value"] for tag in found.get("TagList", ())}


def _bucket(session: Session, name: str, plan: Shape) -> Iterator[Finding]:
    client = session.client("s3")
    try:
        client.head_bucket(Bucket=name, ExpectedBucketOwner=plan.scope.account)
        tags = client.get_bucket_tagging(Bucket=name, ExpectedBucketOwner=plan.scope.account)["TagSet"]
    except client.exceptions.ClientError as error:
        match code(error):
            case "404" | "NoSuchBucket":
                yield _finding(f"Bucket {name}", None, plan)
            case "NoSuchTagSet":
                yield _finding(f"Bucket {name}", {}, plan)
            case "403" | "AccessDenied":
                yield Finding(f"name {name}", False, f"Bucket {name} is another account's.", _RENAME)
            case _:
                raise
        return
    yield _finding(f"Bucket {name}", {tag["Key"]: tag["Value"] for tag in tags}, plan)


def _zones(session: Session, plan: Shape) -> Iterator[Finding]:
    """A second public zone of a name is no error, but the domain can be delegated to one only."""
    client = session.client("route53")
    found = client.list_hosted_zones_by_name(DNSName=plan.domain)["HostedZones"]
    same = [each for each in found if each["Name"] == f"{plan.domain}." and not each["Config"].get("PrivateZone")]
    others = []
    for each in same:
        identity = each["Id"].rpartition("/")[2]
        tags = client.list_tags_for_resource(ResourceType="hostedzone", ResourceId=identity)["ResourceTagSet"]["Tags"]
        if not any(tag["Key"] == TAG and tag["Value"] == plan.scope.installation for tag in tags):
            others.append(identity)
    if others:
        yield Finding(
            f"name {plan.domain}",
            False,
            f"The account has zone {others[0]} for {plan.domain} already; a second one is made beside it.",
            "Delegate the domain to the name servers that `up` shows, or set aws.domain to a name below it.",
            "warning",
        )
    else:
        yield Finding(f"name {plan.domain}", True, f"No other zone for {plan.domain}")
