"""Refusals of the clouds in the words of their providers: which pass, and which stand."""

from __future__ import annotations

import re

import pytest

from infra.engine.errors import Failure
from infra.engine.retries import AWS, AZURE, GOOGLE, PAUSES, Passing, passing, pause

PASS = {
    "aws": [
        "creating EC2 VPC: operation error EC2: CreateVpc, https response error StatusCode: 503, RequestID: 1f, api "
        "error RequestLimitExceeded: Request limit exceeded.",
        "reading IAM Role (mlp-aws-nodes): operation error IAM: GetRole, api error Throttling: Rate exceeded",
        "creating EKS Addon (mlp-aws:coredns): ThrottlingException: Rate exceeded",
        "creating SQS Queue: api error RequestThrottled: Too many requests",
        "creating ECR Repository: TooManyRequestsException: Rate exceeded",
        "putting S3 Bucket: api error SlowDown: Please reduce your request rate.",
        "creating Route 53 Record: PriorRequestNotComplete: The request was rejected because Route 53 was still "
        "processing a prior request.",
        "creating KMS Key: api error ServiceUnavailable: The service is unavailable",
        "creating EC2 Route: api error InvalidRouteTableID.NotFound: The routeTable ID 'rtb-1' does not exist",
        "authorizing Security Group rule: api error InvalidGroup.NotFound: The security group 'sg-1' does not exist",
        'putting KMS Key policy: MalformedPolicyDocumentException: Invalid principal in policy: "AWS":"AROAEXAMPLE"',
        "creating EKS Node Group: InvalidParameterException: The role with name mlp-aws-nodes cannot be found.",
        "creating S3 Bucket: OperationAborted: A conflicting conditional operation is currently in progress against "
        "this resource. Please try again.",
        "updating EKS Cluster: ResourceInUseException: Cannot VersionUpdate because cluster mlp-aws currently has "
        "update 1f in progress",
        "deleting EC2 Subnet (subnet-1): api error DependencyViolation: The subnet 'subnet-1' has dependencies and "
        "cannot be deleted.",
    ],
    "gcp": [
        "googleapi: Error 403: Rate Limit Exceeded, rateLimitExceeded",
        "googleapi: Error 429: Quota exceeded for quota metric 'Queries' and limit 'Queries per minute' of service "
        "'compute.googleapis.com'.",
        "googleapi: Error 503: The service is currently unavailable., backendError",
        "Error creating Subnetwork: googleapi: Error 400: The resource 'projects/p/global/networks/mlp' is not ready, "
        "resourceNotReady",
        "googleapi: Error 400: Service account mlp-nodes@p.iam.gserviceaccount.com does not exist., badRequest",
        "googleapi: Error 403: Kubernetes Engine API has not been used in project 1 before or it is disabled. reason: "
        "SERVICE_DISABLED. If you enabled this API recently, wait a few minutes and retry.",
        "Error applying IAM policy: There were concurrent policy changes. Please retry, aborted",
        "googleapi: Error 409: Operation failed because another operation was already in progress., "
        "operationInProgress",
        "googleapi: Error 400: The network resource 'mlp' is already being used by 'fw', "
        "resourceInUseByAnotherResource",
    ],
    "azure-native": [
        'Status=429 Code="TooManyRequests" Message="The request is being throttled."',
        'Code="SubscriptionRequestsThrottled" Message="Number of write requests exceeded the limit"',
        'Code="ServerTimeout" Message="The request timed out."',
        'Code="RetryableError" Message="A retryable error occurred."',
        'Code="PrincipalNotFound" Message="Principal 1f does not exist in the directory."',
        'Code="ReferencedResourceNotProvisioned" Message="Cannot proceed with operation because resource '
        'subnets/nodes used by resource is not in Succeeded state."',
        'Code="CustomKubeletIdentityMissingPermissionError" Message="The cluster using user-assigned managed identity '
        'must be granted permission to assign kubelet identity."',
        'Code="KeyVaultAccessForbidden" Message="Unable to access key vault resource to enable encryption at rest."',
        'Code="AnotherOperationInProgress" Message="Another operation on this or dependent resource is in progress."',
        'Code="StorageAccountOperationInProgress" Message="An operation is currently performing on this account."',
        'Code="InUseSubnetCannotBeDeleted" Message="Subnet nodes is in use"',
    ],
}
STAND = {
    "aws": [
        "api error VpcLimitExceeded: The maximum number of VPCs has been reached.",
        "api error VcpuLimitExceeded: You have requested more vCPU capacity than your current vCPU limit",
        "api error UnauthorizedOperation: You are not authorized to perform this operation.",
        "https response error StatusCode: 503 with api error AccessDenied: no",
        "api error InvalidParameterValue: Invalid CIDR",
    ],
    "gcp": [
        "googleapi: Error 403: Quota 'CPUS' exceeded. Limit: 24.0 in region europe-west4., quotaExceeded",
        "googleapi: Error 403: Permission 'compute.networks.create' denied, forbidden",
    ],
    "azure-native": [
        'Code="QuotaExceeded" Message="Operation could not be completed as it results in exceeding approved quota."',
        'Status=429 Code="QuotaExceeded" Message="vCPU quota"',
        'Code="AuthorizationFailed" Message="The client does not have authorization"',
        'Code="SkuNotAvailable" Message="not available in location"',
    ],
}


def failure(package: str, reason: str) -> Failure:
    return Failure("urn", f"{package}:x/y:Z", "it", reason)


@pytest.mark.parametrize(("package", "reason"), [(p, reason) for p, reasons in PASS.items() for reason in reasons])
def test_what_passes(package: str, reason: str) -> None:
    assert passing(failure(package, reason)) is not None


@pytest.mark.parametrize(("package", "reason"), [(p, reason) for p, reasons in STAND.items() for reason in reasons])
def test_what_stands(package: str, reason: str) -> None:
    assert passing(failure(package, reason)) is None


@pytest.mark.parametrize(("package", "table"), [("aws", AWS), ("gcp", GOOGLE), ("azure-native", AZURE)])
def test_every_pattern_has_a_sample(package: str, table: tuple[Passing, ...]) -> None:
    for each in table:
        assert [reason for reason in PASS[package] if re.search(each.pattern, reason, re.IGNORECASE | re.DOTALL)]


def test_words_of_one_cloud_say_nothing_of_another() -> None:
    assert passing(failure("kubernetes", "ThrottlingException: Rate exceeded")) is None
    assert passing(failure("hosts", "DependencyViolation")) is None


def test_attempts_are_bounded_and_need_every_failure_to_pass() -> None:
    busy, denied = failure("aws", "Throttling: Rate exceeded"), failure("aws", "AccessDenied")
    assert [pause([busy], attempt) for attempt in range(1, 6)] == [*PAUSES, None]
    assert pause([busy, denied], 1) is None
    assert pause([], 1) is None
    assert sum(PAUSES) < 180
