"""What every program for a cloud must keep to, judged on what it declares. Pure and offline.

`judge` gives everything that breaks a policy: `public` (nothing is open to everybody), `tagged` (what takes tags has
them), `encrypted`, `rights` (no wildcards, no basic roles) and `protected` (data can't be deleted by mistake).
"""

from infra.clusters.policies.judge import POLICIES, judge, unjudged
from infra.clusters.policies.model import Policy, Violation

__all__ = ["POLICIES", "Policy", "Violation", "judge", "unjudged"]
