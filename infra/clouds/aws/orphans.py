"""What of an installation is still in the account: by its tag, and by name where no search by tag sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from components.storage.clouds import ROLE_PATH, workspace_prefix
from infra.clouds.aws.session import FAILED, Session, code, said
from infra.clouds.model import CloudError, Orphan
from infra.clusters.aws.scope import TAG, Scope
from infra.clusters.aws.shape import scope
from infra.profile.model import Profile

_GLOBAL_REGION = {"aws": "us-east-1", "aws-cn": "cn-northwest-1", "aws-us-gov": "us-gov-west-1"}
"""Where a partition's global services (Route 53) answer to a search by tag."""

_REMEDIES: Mapping[str, str] = {
    "acm:certificate": "aws acm delete-certificate --region {region} --certificate-arn {arn}",
    "ec2:elastic-ip": "aws ec2 release-address --region {region} --allocation-id {id}",
    "ec2:instance": "aws ec2 terminate-instances --region {region} --instance-ids {id}",
    "ec2:internet-gateway": "aws ec2 delete-internet-gateway --region {region} --internet-gateway-id {id}",
    "ec2:launch-template": "aws ec2 delete-launch-template --region {region} --launch-template-id {id}",
    "ec2:natgateway": "aws ec2 delete-nat-gateway --region {region} --nat-gateway-id {id}",
    "ec2:network-interface": "aws ec2 delete-network-interface --region {region} --network-interface-id {id}",
    "ec2:route-table": "aws ec2 delete-route-table --region {region} --route-table-id {id}",
    "ec2:security-group": "aws ec2 delete-security-group --region {region} --group-id {id}",
    "ec2:snapshot": "aws ec2 delete-snapshot --region {region} --snapshot-id {id}",
    "ec2:spot-instances-request": "aws ec2 cancel-spot-instance-requests --region {region} "
    "--spot-instance-request-ids {id}",
    "ec2:subnet": "aws ec2 delete-subnet --region {region} --subnet-id {id}",
    "ec2:volume": "aws ec2 delete-volume --region {region} --volume-id {id}",
    "ec2:vpc": "aws ec2 delete-vpc --region {region} --vpc-id {id}",
    "ec2:vpc-endpoint": "aws ec2 delete-vpc-endpoints --region {region} --vpc-endpoint-ids {id}",
    "ec2:vpc-flow-log": "aws ec2 delete-flow-logs --region {region} --flow-log-ids {id}",
    "ecr:repository": "aws ecr delete-repository --region {region} --force --repository-name {id}",
    "eks:cluster": "aws eks delete-cluster --region {region} --name {id}",
    "elasticfilesystem:file-system": "aws efs delete-file-system --region {region} --file-system-id {id}",
    "elasticloadbalancing:loadbalancer": "aws elbv2 delete-load-balancer --region {region} --load-balancer-arn {arn}",
    "elasticloadbalancing:targetgroup": "aws elbv2 delete-target-group --region {region} --target-group-arn {arn}",
    "events:rule": "aws events remove-targets --region {region} --rule {id} --ids queue; "
    "aws events delete-rule --region {region} --name {id}",
    "iam:instance-profile": "aws iam delete-instance-profile --instance-profile-name {id}",
    "iam:oidc-provider": "aws iam delete-open-id-connect-provider --open-id-connect-provider-arn {arn}",
    "iam:policy": "aws iam delete-policy --policy-arn {arn}",
    "iam:role": "aws iam delete-role --role-name {id}",
    "kms:key": "aws kms schedule-key-deletion --region {region} --pending-window-in-days 30 --key-id {id}",
    "logs:log-group": "aws logs delete-log-group --region {region} --log-group-name {id}",
    "rds:db": "aws rds delete-db-instance --region {region} --skip-final-snapshot --db-instance-identifier {id}",
    "rds:pg": "aws rds delete-db-parameter-group --region {region} --db-parameter-group-name {id}",
    "rds:snapshot": "aws rds delete-db-snapshot --region {region} --db-snapshot-identifier {id}",
    "rds:subgrp": "aws rds delete-db-subnet-group --region {region} --db-subnet-group-name {id}",
    "route53:hostedzone": "aws route53 delete-hosted-zone --id {id}",
    "s3:bucket": "aws s3 rb --force s3://{id}",
    "sqs": "aws sqs delete-queue --region {region} --queue-url "
    "$(aws sqs get-queue-url --region {region} --queue-name {id} --query QueueUrl --output text)",
}
_OTHERS = "Remove it in the console: Resource Groups, Tag Editor, region {region}, tag {tag}={installation}"


def orphans(profile: Profile, session: Session) -> Sequence[Orphan]:
    """Sorted by kind and ARN. What AWS is removing already is none. Raises CloudError."""
    plan = scope(profile)
    try:
        found = {*_tagged(plan, session), *_identities(plan, session)}
        gone = {arn for arn in found if _going(arn, session)}
    except FAILED as error:
        raise CloudError(
            f"AWS did not say what is left of {plan.base}: {said(error)}. The search takes the rights in "
            "aws-questions.json of `platform rights`."
        ) from error
    return sorted((_orphan(arn, plan) for arn in found - gone), key=lambda each: (each.kind, each.identity))


def _tagged(plan: Scope, session: Session) -> Iterator[str]:
    """By the platform's tag, and by the one that the cluster puts on load balancers and the like."""
    filters = ({"Key": TAG, "Values": [plan.installation]}, {"Key": f"kubernetes.io/cluster/{plan.base}"})
    for region in dict.fromkeys((session.region, _GLOBAL_REGION[plan.partition])):
        pages = session.client("resourcegroupstaggingapi", region).get_paginator("get_resources")
        for wanted in filters:
            for page in pages.paginate(TagFilters=[wanted]):
                yield from (str(each["ResourceARN"]) for each in page["ResourceTagMappingList"])


def _identities(plan: Scope, session: Session) -> Iterator[str]:
    """IAM is not searched by tag: roles, policies and instance profiles of our names whose tag is ours."""
    client = session.client("iam")

    def whole_profile(**of: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = client.get_instance_profile(**of)["InstanceProfile"]
        return found

    prefixes = (f"{plan.base}-", workspace_prefix(plan.installation))
    for page in client.get_paginator("list_roles").paginate():
        for role in page["Roles"]:
            if role["Path"] in ("/", ROLE_PATH) and role["RoleName"].startswith(prefixes):
                yield from _own(role["Arn"], plan, client.list_role_tags, RoleName=role["RoleName"])
    for page in client.get_paginator("list_policies").paginate(Scope="Local"):
        for policy in page["Policies"]:
            if policy["PolicyName"].startswith(prefixes):
                yield from _own(policy["Arn"], plan, client.list_policy_tags, PolicyArn=policy["Arn"])
    for page in client.get_paginator("list_instance_profiles").paginate():
        for profile in page["InstanceProfiles"]:
            name = profile["InstanceProfileName"]
            if name.startswith(prefixes):
                yield from _own(profile["Arn"], plan, whole_profile, InstanceProfileName=name)
    for provider in client.list_open_id_connect_providers()["OpenIDConnectProviderList"]:
        arn = provider["Arn"]
        if f"/oidc.eks.{plan.region}." in arn:
            yield from _own(arn, plan, client.list_open_id_connect_provider_tags, OpenIDConnectProviderArn=arn)


def _own(arn: str, plan: Scope, ask: Callable[..., Mapping[str, Any]], **of: str) -> Iterator[str]:
    """The ARN, where its tags say that it is the installation's."""
    try:
        tags = ask(**of).get("Tags", ())
    except FAILED as error:
        if code(error) != "NoSuchEntity":
            raise
        return
    if any(tag["Key"] == TAG and tag["Value"] == plan.installation for tag in tags):
        yield arn


def _states(answer: Mapping[str, Any], *path: str) -> set[str]:
    """Every value at the path in an answer, through its lists."""
    found: list[Any] = [answer]
    for key in path:
        found = [item for each in found for item in (each[key] if isinstance(each[key], list) else [each[key]])]
    return {str(each) for each in found}


_GONE: Mapping[str, Callable[[Any, str], bool]] = {
    "ec2:fleet": lambda ec2, fleet: (
        _states(ec2.describe_fleets(FleetIds=[fleet]), "Fleets", "Type") == {"instant"}
        or _states(ec2.describe_fleets(FleetIds=[fleet]), "Fleets", "FleetState") <= {"deleted", "deleted_running"}
    ),
    "ec2:instance": lambda ec2, machine: (
        _states(ec2.describe_instances(InstanceIds=[machine]), "Reservations", "Instances", "State", "Name")
        <= {"shutting-down", "terminated"}
    ),
    "ec2:natgateway": lambda ec2, gateway: (
        _states(ec2.describe_nat_gateways(NatGatewayIds=[gateway]), "NatGateways", "State") <= {"deleting", "deleted"}
    ),
    "ec2:spot-instances-request": lambda ec2, request: (
        _states(ec2.describe_spot_instance_requests(SpotInstanceRequestIds=[request]), "SpotInstanceRequests", "State")
        <= {"cancelled", "closed", "failed"}
    ),
}
"""Kinds that AWS shows for a while after they are gone, or that are but the record of an order: a fleet that ordered
its machines at once, and a request for a spot machine. The machines are found on their own."""


def _going(arn: str, session: Session) -> bool:
    """Whether AWS is removing it: keys take a month, others an hour."""
    kind, identity = parsed(arn)
    try:
        if kind == "kms:key":
            key = session.client("kms").describe_key(KeyId=arn)["KeyMetadata"]
            return bool(key["KeyState"] in ("PendingDeletion", "PendingReplicaDeletion"))
        return kind in _GONE and _GONE[kind](session.client("ec2"), identity)
    except FAILED as error:
        if "NotFound" in code(error):
            return True
        raise


def parsed(arn: str) -> tuple[str, str]:
    """`service:type` and the id that AWS's tools take."""
    service, rest = arn.split(":", 5)[2], arn.split(":", 5)[5]
    if service == "s3":
        return "s3:bucket", rest
    kind, separator, identity = rest.partition(":" if service in ("logs", "rds", "secretsmanager") else "/")
    if not separator:
        return service, rest
    if service == "iam":
        identity = identity.rpartition("/")[2] if kind == "role" else identity
    return f"{service}:{kind}", identity.removesuffix(":*")


def _orphan(arn: str, plan: Scope) -> Orphan:
    kind, identity = parsed(arn)
    remedy = _REMEDIES.get(kind, _OTHERS)
    known = {"region": plan.region, "arn": arn, "id": identity, "tag": TAG, "installation": plan.installation}
    return Orphan(kind, arn, remedy.format(**known))
