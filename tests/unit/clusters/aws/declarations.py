"""What the program declares for some profiles, once for all tests."""

from __future__ import annotations

from functools import cache
from typing import Any

from infra.clusters.aws import program
from infra.clusters.aws.address import program as address_program
from infra.clusters.aws.offline import answers
from infra.engine.declared import Declaration, Declared, declare
from infra.profile.load import load
from infra.profile.model import Profile

ACCOUNT = "123456789012"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/company"
ADMIN = f"arn:aws:iam::{ACCOUNT}:role/admin"
LOAD_BALANCER = "abc.elb.eu-central-1.amazonaws.com"
OPEN = (
    "aws.endpoint=public",
    'aws.allowed_cidrs=["203.0.113.0/24","10.8.0.0/16"]',
    "aws.size=medium",
    "aws.identity=irsa",
    "aws.deletion_protection=false",
    "aws.tags.team=ml",
    f'aws.administrators=["{ADMIN}"]',
    f"aws.permissions_boundary={BOUNDARY}",
)
"""A larger installation that people reach from an office and a VPN."""


def profile(*given: str) -> Profile:
    """The shipped profile with an account."""
    return load("aws", (f"aws.account={ACCOUNT}", "name=blue", *given))


@cache
def declared(*given: str) -> Declaration:
    """A process of its own each time: keep the number of different profiles small."""
    chosen = profile(*given)
    return declare(program(chosen), answers(chosen))


@cache
def declared_address() -> Declaration:
    """The stack `address`."""
    chosen = profile()
    return declare(address_program(chosen, LOAD_BALANCER), answers(chosen))


def properties(resource: Declared) -> dict[str, Any]:
    """Plain values; whole numbers as such, which the engine's protocol has as floats."""
    return {key: _plain(value) for key, value in resource.properties.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _plain(below) for key, below in value.items()}
    if isinstance(value, list):
        return [_plain(below) for below in value]
    return value
