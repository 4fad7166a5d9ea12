"""Which failures of a cloud go away by themselves, and how long to wait for that. Pure.

The providers try again themselves for what one call can see. What is left are refusals that outlast a provider's own
patience, and resources that the cloud says it does not have yet, or still uses, because its parts agree only in time.
Everything else, quotas for resources among it, is for a person.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from infra.engine.errors import Failure

PAUSES = (5.0, 15.0, 45.0, 90.0)
"""Seconds before the second, third, … attempt; after the last one the failure stands."""

Why = Literal["throttled", "not consistent yet", "busy"]


@dataclass(frozen=True)
class Passing:
    """A refusal that passes."""

    why: Why
    pattern: str
    """Regular expression in the provider's words, upper and lower case alike."""


AWS = (
    Passing("throttled", r"\bThrottl(ing|ed|ingException)\b|\bRequestLimitExceeded\b|\bRequestThrottled(Exception)?\b"),
    Passing("throttled", r"\bTooManyRequests(Exception)?\b|\bSlowDown\b|\bPriorRequestNotComplete\b"),
    Passing("throttled", r"api error ServiceUnavailable|StatusCode: 503"),
    Passing("not consistent yet", r"\bInvalid\w+ID\.NotFound\b|\bInvalidGroup\.NotFound\b"),
    Passing("not consistent yet", r"MalformedPolicyDocument\w*: Invalid principal in policy"),
    Passing("not consistent yet", r"InvalidParameter\w*: .*\brole\b.*(cannot be found|cannot be assumed|not exist)"),
    Passing("busy", r"OperationAborted: A conflicting conditional operation|\bResourceInUseException\b.*in progress"),
    Passing("busy", r"\bDependencyViolation\b"),
)
GOOGLE = (
    Passing("throttled", r"\brateLimitExceeded\b|\buserRateLimitExceeded\b|Error 429"),
    Passing("throttled", r"Error 503|\bbackendError\b"),
    Passing("not consistent yet", r"\bresourceNotReady\b|Error 400: Service account \S+ does not exist"),
    Passing("not consistent yet", r"\bSERVICE_DISABLED\b.*wait a few minutes|accessNotConfigured.*wait a few minutes"),
    Passing("busy", r"There were concurrent policy changes|\boperationInProgress\b|Error 409: .*in progress"),
    Passing("busy", r"\bresourceInUseByAnotherResource\b"),
)
AZURE = (
    Passing("throttled", r"\bTooManyRequests\b|Status=429|\bSubscriptionRequestsThrottled\b"),
    Passing("throttled", r"\bServerTimeout\b|Status=503|\bRetryableError\b"),
    Passing("not consistent yet", r"\bPrincipalNotFound\b|\bReferencedResourceNotProvisioned\b"),
    Passing("not consistent yet", r"\bCustomKubeletIdentityMissingPermissionError\b|\bKeyVaultAccessForbidden\b"),
    Passing("busy", r"\bAnotherOperationInProgress\b|\bStorageAccountOperationInProgress\b"),
    Passing("busy", r"\bInUseSubnetCannotBeDeleted\b|\bInUseNetworkSecurityGroupCannotBeDeleted\b"),
)
_OF = {"aws": AWS, "gcp": GOOGLE, "azure-native": AZURE}
_STANDS = re.compile(
    r"VcpuLimitExceeded|quotaExceeded\b|QuotaExceeded\b|\bLimitExceeded\b|AccessDenied|AuthorizationFailed"
)
"""Words that make a refusal stand whatever else it says."""


def passing(failure: Failure) -> Why | None:
    """Why this failure goes away by itself; None where it does not."""
    if _STANDS.search(failure.reason):
        return None
    for each in _OF.get(failure.kind.partition(":")[0], ()):
        if re.search(each.pattern, failure.reason, re.IGNORECASE | re.DOTALL):
            return each.why
    return None


def pause(failures: Sequence[Failure], attempt: int) -> float | None:
    """Seconds to wait after the attempt (from 1) that ended with these; None where another one is of no use."""
    if not failures or attempt > len(PAUSES) or any(passing(failure) is None for failure in failures):
        return None
    return PAUSES[attempt - 1]
