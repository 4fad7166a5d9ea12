"""How grants are written. Resources are short, as `service:resource`; `{base}`, `{account}` and `{region}` are filled
in later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Condition = Literal["", "new", "ours", "cluster-group", "passed", "maintained", "templates", "names", "creating"]
"""Which things of those that the resources name:

`new`: those that get the installation's tag as they are made. `ours`: those that bear it. `cluster-group`: the security
group that EKS makes. `passed`: roles on their way to the services that use them. `maintained`: policies of AWS that the
program attaches. `templates`: machines from launch templates. `names`: DNS names of the domain. `creating`: tags of
what is being made.
"""


@dataclass(frozen=True)
class Grant:
    """Actions on resources."""

    actions: tuple[str, ...]
    resources: tuple[str, ...] = ("*",)
    """`*` where IAM knows no narrower one."""
    condition: Condition = ""


def read(*actions: str) -> Grant:
    return Grant(actions)


def ec2(made: str, *, kind: str, within: tuple[str, ...] = (), own: tuple[str, ...] = ()) -> tuple[Grant, ...]:
    """A type of EC2: the action that makes one, in other things of ours, and the actions on one of ours."""
    return (
        Grant((f"ec2:{made}",), (f"ec2:{kind}/*",), "new"),
        *((Grant((f"ec2:{made}",), tuple(f"ec2:{each}/*" for each in within), "ours"),) if within else ()),
        *((Grant(tuple(f"ec2:{each}" for each in own), (f"ec2:{kind}/*",), "ours"),) if own else ()),
    )


ROLES = ("iam:role/{base}-*-role",)
KEYS = ("kms:key/*",)
PASS = Grant(("iam:PassRole",), ROLES, "passed")
USE_KEY = Grant(
    (
        "kms:CreateGrant",
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:Encrypt",
        "kms:GenerateDataKey",
        "kms:GenerateDataKeyWithoutPlaintext",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo",
    ),
    KEYS,
    "ours",
)
